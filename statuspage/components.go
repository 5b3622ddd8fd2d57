package statuspage

func componentRoutes() []route { return nil }

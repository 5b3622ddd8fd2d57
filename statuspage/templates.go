package statuspage

func templateRoutes() []route { return nil }

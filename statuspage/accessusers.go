package statuspage

func accessRoutes() []route { return nil }

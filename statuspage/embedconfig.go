package statuspage

func embedConfigRoutes() []route { return nil }

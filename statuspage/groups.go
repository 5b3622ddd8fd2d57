package statuspage

func groupRoutes() []route { return nil }

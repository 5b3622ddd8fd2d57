package statuspage

func uptimeRoutes() []route { return nil }

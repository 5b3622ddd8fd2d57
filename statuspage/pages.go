package statuspage

func pageRoutes() []route { return nil }

package statuspage

func metricRoutes() []route { return nil }

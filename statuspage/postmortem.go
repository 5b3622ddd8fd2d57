package statuspage

func postmortemRoutes() []route { return nil }

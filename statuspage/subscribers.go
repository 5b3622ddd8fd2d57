package statuspage

func subscriberRoutes() []route { return nil }

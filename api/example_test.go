package api_test

import (
	"context"
	"errors"
	"fmt"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

func ExampleClient() {
	c := &api.Client{Server: "https://status.example.com", Token: "itl_…"}
	complete := func(ctx context.Context) error {
		_, err := c.CompleteMaintenance(ctx, "database-upgrade", api.Act{Body: "All systems work."})
		var problem *api.Problem
		switch {
		case errors.Is(err, status.ErrNotFound):
			return fmt.Errorf("there is no such maintenance")
		case errors.As(err, &problem) && problem.Code == api.CodeIllegal:
			return fmt.Errorf("not yet: %s", problem.Detail)
		}
		return err
	}
	_ = complete
}

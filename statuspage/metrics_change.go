package statuspage

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"example.org/interlude/keeper"
)

// gauges are the providers and metrics as they are, with the provider that exists by itself before the others.
func (c *call) gauges() (gauges, error) {
	records, err := recordsOf[gauges](c, kindGauges)
	if err != nil {
		return gauges{}, err
	}
	var all gauges
	if len(records) > 0 {
		all = records[0]
	}
	return all.whole(c.view()), nil
}

// whole adds the provider that exists by itself.
func (g gauges) whole(v view) gauges {
	g.Providers = slices.Insert(slices.Clone(g.Providers), 0, keptProvider{ID: selfID, Created: v.p.Page.Created})
	return g
}

// changeGauges lets f change providers and metrics in one transaction.
func (c *call) changeGauges(f func(*gauges) error) error {
	v := c.view()
	return changeRecordOf(c, kindGauges, gaugesID, func(g *gauges, _ bool) (bool, error) {
		all := g.whole(v)
		err := f(&all)
		all.Providers = all.Providers[1:]
		*g = all
		return true, err
	})
}

func (g gauges) provider(id string) (int, error) {
	return among(g.Providers, "Metrics provider", func(p keptProvider) bool { return p.ID == id })
}

func (g gauges) metric(id string) (int, error) {
	return among(g.Metrics, "Metric", func(m keptMetric) bool { return m.ID == id })
}

// missing is the first of the ids that is no metric's.
func (g gauges) missing(ids []string) (string, bool) {
	return stray(ids, g.Metrics, func(m keptMetric) string { return m.ID })
}

// showMetric is a metric with the time of its newest value.
func (c *call) showMetric(m keptMetric) (Metric, error) {
	newest, err := c.Points.Points(c.ctx, m.ID, c.now.Add(-pointsKept), c.now.Add(2*farthestAhead), 1)
	if err != nil {
		return Metric{}, err
	}
	v := c.view()
	shown := Metric{
		ID: m.ID, MetricsProviderID: m.Provider, MetricIdentifier: orNull(m.Identifier), Name: m.Name, Display: !m.Hidden,
		TooltipDescription: orNull(m.Tooltip), YAxisMin: m.Min, YAxisMax: m.Max, YAxisHidden: m.HideAxis, Suffix: orNull(m.Suffix),
		DecimalPlaces: m.Decimals, CreatedAt: v.at(m.Created), UpdatedAt: v.at(latest(m.Created, m.Changed)),
	}
	for _, p := range newest {
		shown.MostRecentDataAt = v.atOrNull(p.At)
	}
	return shown, nil
}

func (c *call) showMetrics(all []keptMetric) ([]Metric, error) {
	shown := make([]Metric, 0, len(all))
	for _, m := range all {
		one, err := c.showMetric(m)
		if err != nil {
			return nil, err
		}
		shown = append(shown, one)
	}
	return shown, nil
}

func (v view) provider(p keptProvider) MetricsProvider {
	at := v.at(latest(p.Created, v.p.Page.Created))
	return MetricsProvider{ID: p.ID, Type: selfType, CreatedAt: at, UpdatedAt: at, PageID: v.p.Page.ID}
}

// listMetrics lists those of the provider in the path, or all.
func (c *call) listMetrics() (any, error) {
	all, err := c.gauges()
	if err != nil {
		return nil, err
	}
	if id := c.id("metrics_provider_id"); id != "" {
		if _, err := all.provider(id); err != nil {
			return nil, err
		}
		all.Metrics = slices.DeleteFunc(all.Metrics, func(m keptMetric) bool { return m.Provider != id })
	}
	page, err := paged(c, all.Metrics)
	if err != nil {
		return nil, err
	}
	return c.showMetrics(page)
}

func (c *call) getMetric() (any, error) {
	all, err := c.gauges()
	if err != nil {
		return nil, err
	}
	i, err := all.metric(c.id("metric_id"))
	if err != nil {
		return nil, err
	}
	return c.showMetric(all.Metrics[i])
}

// readMetric reads and checks what does not depend on the metric.
func (c *call) readMetric() (metricBody, error) {
	b, err := bound[metricBody](c, "metric")
	if err != nil {
		return b, err
	}
	for name, bound := range map[string]*float64{"y_axis_min": b.YAxisMin, "y_axis_max": b.YAxisMax} {
		if bound != nil && (math.IsNaN(*bound) || math.IsInf(*bound, 0)) {
			err = unprocessable(name + " must be a number")
		}
	}
	if b.DecimalPlaces != nil && (*b.DecimalPlaces < 0 || *b.DecimalPlaces > 8) {
		err = errors.Join(err, unprocessable("decimal_places must be from 0 to 8"))
	}
	return b, cmp.Or(
		err, checkLine("name", given(b.Name)), checkLine("metric_identifier", given(b.MetricIdentifier)),
		checkLine("suffix", given(b.Suffix)), checkText("tooltip_description", given(b.TooltipDescription)),
	)
}

// apply makes a metric what the body says.
func (b metricBody) apply(m *keptMetric) error {
	m.Name = cmp.Or(given(b.Name), m.Name)
	m.Identifier = cmp.Or(given(b.MetricIdentifier), m.Identifier)
	if b.Suffix != nil {
		m.Suffix = *b.Suffix
	}
	if b.TooltipDescription != nil {
		m.Tooltip = *b.TooltipDescription
	}
	m.Min, m.Max = cmp.Or(b.YAxisMin, m.Min), cmp.Or(b.YAxisMax, m.Max)
	if b.YAxisHidden != nil {
		m.HideAxis = *b.YAxisHidden
	}
	if b.Display != nil {
		m.Hidden = !*b.Display
	}
	if b.DecimalPlaces != nil {
		m.Decimals = *b.DecimalPlaces
	}
	if m.Min != nil && m.Max != nil && *m.Min >= *m.Max {
		return unprocessable("y_axis_max must be greater than y_axis_min")
	}
	return nil
}

func (c *call) createMetric() (any, error) {
	b, err := c.readMetric()
	if err != nil {
		return nil, err
	}
	if given(b.Name) == "" {
		return nil, unprocessable("name is required: what the metric is called")
	}
	made := keptMetric{ID: keeper.NewID(), Provider: c.id("metrics_provider_id"), Created: c.now, Changed: c.now}
	if err := b.apply(&made); err != nil {
		return nil, err
	}
	err = c.changeGauges(func(g *gauges) error {
		if _, err := g.provider(made.Provider); err != nil {
			return err
		}
		if len(g.Metrics) >= mostMetrics {
			return unprocessable(fmt.Sprintf("The page has %d metrics, which is the most: delete one first", mostMetrics))
		}
		g.Metrics = append(g.Metrics, made)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.showMetric(made)
}

func (c *call) updateMetric() (any, error) {
	b, err := c.readMetric()
	if err != nil {
		return nil, err
	}
	var is keptMetric
	err = c.changeGauges(func(g *gauges) error {
		i, err := g.metric(c.id("metric_id"))
		if err != nil {
			return err
		}
		if err := b.apply(&g.Metrics[i]); err != nil {
			return err
		}
		g.Metrics[i].Changed = c.now
		is = g.Metrics[i]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.showMetric(is)
}

func (c *call) deleteMetric() (any, error) {
	shown, err := c.getMetric()
	if err != nil {
		return nil, err
	}
	err = c.changeGauges(func(g *gauges) error {
		i, err := g.metric(c.id("metric_id"))
		if err != nil {
			return err
		}
		g.Metrics = slices.Delete(g.Metrics, i, i+1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return shown, nil // its values are out of reach, and forgotten with their age
}

func (c *call) listProviders() (any, error) {
	all, err := c.gauges()
	if err != nil {
		return nil, err
	}
	v := c.view()
	shown := make([]MetricsProvider, len(all.Providers))
	for i, p := range all.Providers {
		shown[i] = v.provider(p)
	}
	return paged(c, shown)
}

// readProvider refuses a provider that values would be fetched from.
func (c *call) readProvider() (providerBody, error) {
	b, err := bound[providerBody](c, "metrics_provider")
	if err != nil {
		return b, err
	}
	switch word := given(b.Type); word {
	case "", selfType:
		return b, nil
	case "Pingdom", "NewRelic", "Librato", "Datadog":
		return b, unprocessable("type cannot be honoured: nothing is fetched from " + word + ". Use Self, and send the values")
	default:
		return b, oneOf("type", word, selfType)
	}
}

func (c *call) createProvider() (any, error) {
	b, err := c.readProvider()
	if err != nil {
		return nil, err
	}
	if given(b.Type) == "" {
		return nil, unprocessable("type is required: Self")
	}
	made := keptProvider{ID: keeper.NewID(), Created: c.now}
	err = c.changeGauges(func(g *gauges) error {
		if len(g.Providers) >= mostMetrics {
			return unprocessable(fmt.Sprintf("The page has %d providers, which is the most: delete one first", mostMetrics))
		}
		g.Providers = append(g.Providers, made)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.view().provider(made), nil
}

func (c *call) getProvider() (any, error) {
	all, err := c.gauges()
	if err != nil {
		return nil, err
	}
	i, err := all.provider(c.id("metrics_provider_id"))
	if err != nil {
		return nil, err
	}
	return c.view().provider(all.Providers[i]), nil
}

func (c *call) updateProvider() (any, error) {
	if _, err := c.readProvider(); err != nil {
		return nil, err
	}
	return c.getProvider()
}

func (c *call) deleteProvider() (any, error) {
	shown, err := c.getProvider()
	if err != nil {
		return nil, err
	}
	id := c.id("metrics_provider_id")
	err = c.changeGauges(func(g *gauges) error {
		i, err := g.provider(id)
		switch {
		case err != nil:
			return err
		case id == selfID:
			return unprocessable("The provider self exists by itself and cannot be deleted")
		case slices.ContainsFunc(g.Metrics, func(m keptMetric) bool { return m.Provider == id }):
			return unprocessable("The provider has metrics still: delete them first")
		}
		g.Providers = slices.Delete(g.Providers, i, i+1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return shown, nil
}

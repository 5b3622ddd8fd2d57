package statuspage

import (
	"net/http"
	"slices"
	"time"

	"example.org/interlude/access"
)

const (
	metricsPath         = "/pages/{page_id}/metrics"
	metricPath          = metricsPath + "/{metric_id}"
	metricDataPath      = metricPath + "/data"
	providersPath       = "/pages/{page_id}/metrics_providers"
	providerPath        = providersPath + "/{metrics_provider_id}"
	providerMetricsPath = providerPath + "/metrics"

	metricsTag = "metrics"
)

func metricRoutes() []route {
	return slices.Concat(metricDefinitionRoutes(), metricDataRoutes(), providerRoutes())
}

func metricDefinitionRoutes() []route {
	const about = "Metrics are kept, and can be read here; the page does not show them."
	lists := []parameter{pageParameter, perPageParameter}
	return []route{
		{
			id: "list-metrics", tag: metricsTag, summary: "All metrics, the oldest first", about: about, method: http.MethodGet,
			path: metricsPath, scope: access.Read, query: lists, answer: []Metric{}, do: (*call).listMetrics,
		},
		{
			id: "list-provider-metrics", tag: metricsTag, summary: "The metrics of a provider", method: http.MethodGet,
			path: providerMetricsPath, scope: access.Read, query: lists, answer: []Metric{}, do: (*call).listMetrics,
		},
		{
			id: "create-metric", tag: metricsTag, summary: "Make a metric that values can be sent to", about: about, method: http.MethodPost,
			path: providerMetricsPath, scope: access.Operate, body: metricBody{}, wrapped: "metric", answer: Metric{},
			code: http.StatusCreated, do: (*call).createMetric,
		},
		{
			id: "get-metric", tag: metricsTag, summary: "One metric", method: http.MethodGet, path: metricPath, scope: access.Read,
			answer: Metric{}, do: (*call).getMetric,
		},
		{
			id: "update-metric", tag: metricsTag, summary: "Change a metric", about: "What is not given stays.", method: http.MethodPatch,
			path: metricPath, scope: access.Operate, body: metricBody{}, wrapped: "metric", answer: Metric{}, do: (*call).updateMetric,
		},
		{
			id: "delete-metric", tag: metricsTag, summary: "Forget a metric and its values", method: http.MethodDelete, path: metricPath,
			scope: access.Operate, answer: Metric{}, do: (*call).deleteMetric,
		},
	}
}

func metricDataRoutes() []route {
	const about = "A timestamp is in seconds since 1970, at most 5 minutes ahead and 28 days back. A value for a moment that has one " +
		"replaces it. Values are kept for 35 days. A request holds at most 3000."
	return []route{
		{
			id: "add-metric-value", tag: metricsTag, summary: "Send a value of a metric", about: about, method: http.MethodPost,
			path: metricDataPath, scope: access.Operate, body: valueBody{}, wrapped: "data", answer: ValueAnswer{},
			code: http.StatusCreated, do: (*call).addValue,
		},
		{
			id: "add-metric-values", tag: metricsTag, summary: "Send values of several metrics", about: about + " All of them are kept, or none.",
			method: http.MethodPost, path: metricsPath + "/data", scope: access.Operate, body: valuesBody{},
			answer: map[string][]Value{}, code: http.StatusAccepted, do: (*call).addValues,
		},
		{
			id: "list-metric-values", tag: metricsTag, summary: "The values of a metric, the oldest first", method: http.MethodGet,
			about: "Statuspage has no such operation. It answers with the last day unless it is asked for something else, and with " +
				"the newest 3000 values at most.",
			path: metricDataPath, scope: access.Read, answer: ValuesAnswer{}, do: (*call).listValues,
			query: []parameter{
				{"from", "string", "The first moment: seconds since 1970, or a time such as 2027-01-15T06:00:00Z"},
				{"to", "string", "The moment before which they end"},
			},
		},
		{
			id: "delete-metric-values", tag: metricsTag, summary: "Forget the values of a metric", method: http.MethodDelete,
			path: metricDataPath, scope: access.Operate, answer: Metric{}, do: (*call).dropValues,
		},
	}
}

func providerRoutes() []route {
	const about = "The provider with the id self exists by itself; others of its type can be made to group metrics. Providers that Statuspage " +
		"would fetch from cannot be made: nothing is fetched."
	return []route{
		{
			id: "list-metrics-providers", tag: metricsTag, summary: "All providers of metrics", about: about, method: http.MethodGet,
			path: providersPath, scope: access.Read, query: []parameter{pageParameter, perPageParameter}, answer: []MetricsProvider{},
			do: (*call).listProviders,
		},
		{
			id: "create-metrics-provider", tag: metricsTag, summary: "Make a provider", about: about, method: http.MethodPost,
			path: providersPath, scope: access.Operate, body: providerBody{}, wrapped: "metrics_provider", answer: MetricsProvider{},
			code: http.StatusCreated, do: (*call).createProvider,
		},
		{
			id: "get-metrics-provider", tag: metricsTag, summary: "One provider", method: http.MethodGet, path: providerPath,
			scope: access.Read, answer: MetricsProvider{}, do: (*call).getProvider,
		},
		{
			id: "update-metrics-provider", tag: metricsTag, summary: "Change a provider",
			about: "There is nothing about one that could change: what asks for something is refused.", method: http.MethodPatch,
			path: providerPath, scope: access.Operate, body: providerBody{}, wrapped: "metrics_provider", answer: MetricsProvider{},
			do: (*call).updateProvider,
		},
		{
			id: "delete-metrics-provider", tag: metricsTag, summary: "Forget a provider that has no metrics", method: http.MethodDelete,
			path: providerPath, scope: access.Operate, answer: MetricsProvider{}, do: (*call).deleteProvider,
		},
	}
}

// Metric is a metric as version 1 shows it.
type Metric struct {
	ID                 string   `json:"id"`
	MetricsProviderID  string   `json:"metrics_provider_id"`
	MetricIdentifier   *string  `json:"metric_identifier"`
	Name               string   `json:"name"`
	Display            bool     `json:"display"`
	TooltipDescription *string  `json:"tooltip_description"`
	Backfilled         bool     `json:"backfilled"`
	YAxisMin           *float64 `json:"y_axis_min"`
	YAxisMax           *float64 `json:"y_axis_max"`
	YAxisHidden        bool     `json:"y_axis_hidden"`
	Suffix             *string  `json:"suffix"`
	DecimalPlaces      int      `json:"decimal_places"`
	MostRecentDataAt   *string  `json:"most_recent_data_at"`
	CreatedAt          string   `json:"created_at"`
	UpdatedAt          string   `json:"updated_at"`
	LastFetchedAt      *string  `json:"last_fetched_at"`
	BackfillPercentage int      `json:"backfill_percentage"`
	ReferenceName      *string  `json:"reference_name"`
}

// MetricsProvider is a provider as version 1 shows it.
type MetricsProvider struct {
	ID                string  `json:"id"`
	Type              string  `json:"type" enum:"Self"`
	Disabled          bool    `json:"disabled"`
	MetricBaseURI     *string `json:"metric_base_uri"`
	LastRevalidatedAt *string `json:"last_revalidated_at"`
	CreatedAt         string  `json:"created_at"`
	UpdatedAt         string  `json:"updated_at"`
	PageID            string  `json:"page_id"`
}

// metricBody is what clients say of a metric.
type metricBody struct {
	Name               *string  `json:"name" example:"Response time" doc:"What it is called; required of a new one"`
	MetricIdentifier   *string  `json:"metric_identifier" doc:"What its sender knows it by; kept as it is"`
	Suffix             *string  `json:"suffix" example:"ms" doc:"The unit of its values, such as ms"`
	TooltipDescription *string  `json:"tooltip_description" doc:"What it measures"`
	YAxisMin           *float64 `json:"y_axis_min" doc:"The least value that a chart shows"`
	YAxisMax           *float64 `json:"y_axis_max" doc:"The greatest value that a chart shows"`
	YAxisHidden        *bool    `json:"y_axis_hidden" doc:"Whether a chart hides the values at its axis"`
	Display            *bool    `json:"display" doc:"Whether it is meant for readers; true unless it says otherwise"`
	DecimalPlaces      *int     `json:"decimal_places" doc:"With how many decimal places values are shown, from 0 to 8"`
	Transform          *string  `json:"transform" cannot:"values are kept as they are sent"`
	ApplicationID      *string  `json:"application_id" cannot:"nothing is fetched from New Relic"`
}

// providerBody is what clients say of a provider.
type providerBody struct {
	Type           *string `json:"type" example:"Self" doc:"Must be Self: values are sent here"`
	MetricBaseURI  *string `json:"metric_base_uri" cannot:"nothing is fetched: values are sent here"`
	Email          *string `json:"email" cannot:"nothing is fetched: values are sent here"`
	Password       *string `json:"password" cannot:"nothing is fetched: values are sent here"`
	APIKey         *string `json:"api_key" cannot:"nothing is fetched: values are sent here"`
	APIToken       *string `json:"api_token" cannot:"nothing is fetched: values are sent here"`
	ApplicationKey *string `json:"application_key" cannot:"nothing is fetched: values are sent here"`
}

// gauges are the providers and metrics of the page. They are one record, so that a metric never outlives its provider,
// whoever changes them at the same time.
type gauges struct {
	Providers []keptProvider `json:"providers"`
	Metrics   []keptMetric   `json:"metrics"`
}

const (
	kindGauges = "metrics"
	gaugesID   = "page"
	// selfID is the provider that exists by itself.
	selfID   = "self"
	selfType = "Self"
	// mostMetrics bounds the record.
	mostMetrics = 1000
)

// keptProvider is a provider as the record holds it.
type keptProvider struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
}

// keptMetric is a metric as the record holds it.
type keptMetric struct {
	ID         string    `json:"id"`
	Provider   string    `json:"provider"`
	Name       string    `json:"name"`
	Identifier string    `json:"identifier"`
	Suffix     string    `json:"suffix"`
	Tooltip    string    `json:"tooltip"`
	Min        *float64  `json:"min"`
	Max        *float64  `json:"max"`
	HideAxis   bool      `json:"hide_axis"`
	Hidden     bool      `json:"hidden"`
	Decimals   int       `json:"decimals"`
	Created    time.Time `json:"created"`
	Changed    time.Time `json:"changed"`
}

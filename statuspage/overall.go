package statuspage

import "example.org/interlude/status"

// overall blends the components into one status, by the rules that Statuspage documents: how bad it is, and whether
// it is so for all, for several or for some. An incident raises it when a person said how bad it is, or when it names no
// component that could show it.
func (v view) overall() Status {
	counts := make(map[status.Condition]int)
	all := 0
	for _, c := range v.p.Components {
		counts[v.p.Conditions[c.ID]]++
		all++
	}
	blended := blend(counts, all)
	for _, i := range v.p.Incidents {
		said := i.ImpactSaid || len(i.Affects) == 0
		if impact := impactOf(i.Impact); said && severity[impact] > severity[blended.Indicator] {
			blended = Status{impact, raised[impact]}
		}
	}
	if blended.Indicator == "none" {
		for _, m := range v.p.Maintenances {
			if m.Underway() {
				return Status{"maintenance", underMaintenance}
			}
		}
	}
	return blended
}

const underMaintenance = "Service Under Maintenance"

// severity orders indicators. Planned work ranks below every fault.
var severity = map[string]int{"none": 0, "maintenance": 1, "minor": 2, "major": 3, "critical": 4}

// raised are the descriptions of an indicator that an incident alone brings about.
var raised = map[string]string{
	"maintenance": underMaintenance, "minor": "Minor Service Outage", "major": "Partial System Outage", "critical": "Major System Outage",
}

func blend(counts map[status.Condition]int, all int) Status {
	major, partial, degraded := counts[status.MajorOutage], counts[status.PartialOutage], counts[status.DegradedPerformance]
	switch {
	case all == 0:
	case major == all:
		return Status{"critical", "Major System Outage"}
	case major > 0 || partial == all:
		return Status{"major", "Partial System Outage"}
	case partial > 0:
		return Status{"minor", "Minor Service Outage"}
	case degraded == all:
		return Status{"minor", "Degraded System Service"}
	case degraded > 0:
		return Status{"minor", "Partially Degraded Service"}
	case counts[status.UnderMaintenance] > 0:
		return Status{"maintenance", underMaintenance}
	}
	return Status{"none", "All Systems Operational"}
}

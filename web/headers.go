package web

import (
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// describeHeaders says in the document which headers the guard reads: the handlers behind it know nothing of them.
func describeHeaders(op *huma.Operation, r route) {
	if !safe(r.method) && !r.secret && !r.measured {
		shortest, longest := 1, longestKey
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: keyHeader, In: "header", Example: "8e03978e-40d5-43dd-bc93-6894a57f9324",
			Description: "makes the change once, however often the request is sent; 1 to 255 visible characters of ASCII",
			Schema:      &huma.Schema{Type: huma.TypeString, MinLength: &shortest, MaxLength: &longest},
		})
	}
	if r.settled {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: "If-None-Match", In: "header", Example: `"v3"`,
			Description: "the ETag of what is known already; while it has that version, 304 is answered in place of it",
			Schema:      &huma.Schema{Type: huma.TypeString},
		})
		op.Responses[strconv.Itoa(http.StatusNotModified)] = &huma.Response{Description: "It has the version that is known already"}
	}
}

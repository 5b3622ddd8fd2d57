package markup

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// parsed gives the elements below the body of what was rendered, as a browser finds them, and the words that a reader sees.
func parsed(t testing.TB, rendered string) (elements []*html.Node, words string) {
	t.Helper()
	node, err := html.Parse(strings.NewReader(rendered))
	if err != nil {
		t.Fatal(err)
	}
	var texts strings.Builder
	for n := range node.Descendants() {
		switch {
		case n.Type == html.TextNode:
			texts.WriteString(n.Data)
		case n.Type == html.ElementNode && !slices.Contains([]string{"html", "head", "body"}, n.Data):
			elements = append(elements, n)
		}
	}
	return elements, strings.Join(strings.Fields(texts.String()), " ")
}

// inert says that what was rendered can do nothing where it is shown.
func inert(t testing.TB, rendered string) {
	t.Helper()
	allowed := strings.Fields("p br strong em del code pre blockquote ul ol li hr h4 h5 h6 table thead tbody tr th td a")
	elements, _ := parsed(t, rendered)
	for _, e := range elements {
		if !slices.Contains(allowed, e.Data) {
			t.Errorf("got a <%s> in %.300q, want none", e.Data, rendered)
		}
		for _, a := range e.Attr {
			if !slices.Contains([]string{"href", "rel", "start"}, a.Key) || a.Key == "href" && !slices.Contains([]string{"", "http", "https", "mailto"}, scheme(a.Val)) {
				t.Errorf("got %s=%q in %.300q, want links of the web alone", a.Key, a.Val, rendered)
			}
		}
	}
}

// scheme is that of an address as browsers find it: they pass over spaces and control characters.
func scheme(address string) string {
	address = strings.Map(func(r rune) rune {
		if r <= ' ' {
			return -1
		}
		return r
	}, address)
	if end := strings.IndexAny(address, ":/?#"); end >= 0 && address[end] == ':' {
		return strings.ToLower(address[:end])
	}
	return ""
}

func TestWhatLooksLikeHTMLIsShownAsItWasWritten(t *testing.T) {
	for body, want := range map[string]string{
		"Use the <token> header.":                               "Use the <token> header.",
		"<script>alert(1)</script>":                             "<script>alert(1)</script>",
		"First.\n\n<div onclick=\"alert(1)\">\nSecond.\n</div>": "First. <div onclick=\"alert(1)\"> Second. </div>",
		"<!-- hidden --> & <img src=x onerror=alert(1)>":        "<!-- hidden --> & <img src=x onerror=alert(1)>",
		"<?php echo 1 ?> <![CDATA[x]]> <!DOCTYPE html>":         "<?php echo 1 ?> <![CDATA[x]]> <!DOCTYPE html>",
		"</p></div><style>*{}</style>":                          "</p></div><style>*{}</style>",
		"<a href=\"javascript:alert(1)\">x</a>":                 "<a href=\"javascript:alert(1)\">x</a>",
		"&lt;b&gt; and `<code>`":                                "<b> and <code>",
		"<svg/onload=alert(1)>**bold**":                         "<svg/onload=alert(1)>bold",
		"```\n<iframe src=//evil.example>\n```":                 "<iframe src=//evil.example>",
		"[<b>x</b>](https://a.example)":                         "<b>x</b>",
	} {
		elements, words := parsed(t, HTML(body))
		if words != want {
			t.Errorf("%q: got %q, want %q", body, words, want)
		}
		for _, e := range elements {
			if !slices.Contains([]string{"p", "br", "pre", "code", "strong", "a"}, e.Data) {
				t.Errorf("%q: got a <%s>, want text", body, e.Data)
			}
			for _, a := range e.Attr {
				if a.Key != "rel" && (a.Key != "href" || !strings.HasPrefix(a.Val, "https://")) {
					t.Errorf("%q: got %s=%q, want no attribute of the writer's", body, a.Key, a.Val)
				}
			}
		}
	}
}

func TestMarkdownIsRenderedAsItIsMeant(t *testing.T) {
	for body, want := range map[string]string{
		"First.\nSecond, ~~not~~ **bold**.":       "<p>First.<br>\nSecond, <del>not</del> <strong>bold</strong>.</p>\n",
		"# Heading\n\n###### Small":               "<h4>Heading</h4>\n<h6>Small</h6>\n",
		"3. three\n4. four":                       "<ol start=\"3\">\n<li>three</li>\n<li>four</li>\n</ol>\n",
		"See [it](/history) or https://a.example": "<p>See <a href=\"/history\" rel=\"nofollow\">it</a> or <a href=\"https://a.example\" rel=\"nofollow\">https://a.example</a></p>\n",
		"![picture](https://a.example/p.png)":     "<p></p>\n",
		"[x](javascript:alert(1))":                "<p>x</p>\n",
	} {
		if got := HTML(body); got != want {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
	}
}

func TestLinksElsewhereLeadWhereTheyLeadOnThePage(t *testing.T) {
	const from = "https://status.example/incidents/x"
	for body, want := range map[string]string{
		"[a](/history)":                      "https://status.example/history",
		"[a](other)":                         "https://status.example/incidents/other",
		"[a](#top)":                          "https://status.example/incidents/x#top",
		"[a](//cdn.example/x)":               "https://cdn.example/x",
		"[a](https://docs.example/?a=b&c=d)": "https://docs.example/?a=b&c=d",
		"<https://docs.example/>":            "https://docs.example/",
		"https://docs.example/a_b":           "https://docs.example/a_b",
		"[a](mailto:ada@example.org)":        "mailto:ada@example.org",
	} {
		elements, _ := parsed(t, AbsoluteHTML(body, from))
		if len(elements) != 2 || elements[1].Data != "a" || elements[1].Attr[0].Val != want {
			t.Errorf("%s: got %q, want a link to %s", body, AbsoluteHTML(body, from), want)
		}
	}
	for _, body := range []string{"[a](javascript:alert(1))", "<script>alert(1)</script>", "![a](/x.png)", "[a](data:text/html,x)", "<b onclick=x>"} {
		if elements, _ := parsed(t, AbsoluteHTML(body, from)); len(elements) != 1 || elements[0].Data != "p" {
			t.Errorf("%s: got %q, want text alone", body, AbsoluteHTML(body, from))
		}
	}
	for from, want := range map[string]string{from: "<p><em>ab</em></p>\n", "http://[::1": "<p><em>ab</em></p>\n"} {
		if got := AbsoluteHTML("*a\x00\x1bb*", from); got != want {
			t.Errorf("from %s: got %q, want %q", from, got, want)
		}
	}
}

func FuzzHTML(f *testing.F) {
	for _, body := range []string{
		"# *a* [b](c) `d`", "<script>alert(1)</script>", "[x](javascript:alert(1))", "[x](JaVaScRiPt&colon;alert(1))", "![x](data:text/html,x)",
		"| a | b |\n|---|---|\n| <svg onload=x> | c |", "<https://a.example/\"onclick=x>", "[x]: vbscript:y\n\n[x]", "[x](\x01javascript:y)", "a\x00b\xff",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		inert(t, HTML(body))
		inert(t, AbsoluteHTML(body, "https://status.example/incidents/1"))
	})
}

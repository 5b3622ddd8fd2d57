package browser

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

// newPlainTab is a tab without JavaScript.
func newPlainTab(t *testing.T) *tab {
	t.Helper()
	b := newTab(t)
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return b
}

func TestThePageIsWholeWithoutJavaScript(t *testing.T) {
	s := northwind(t)
	b := newPlainTab(t)
	b.open(s.url("/"))
	b.reads(".tip", "(nothing)") // the script has not run
	b.reads("#banner h1", "All systems operational")
	b.reads("#planned h3", database.Title)
	b.reads("#planned .when", "Friday, January 15, 2027, 06:00 – 07:00 UTC (1 h)")
	b.reads("#planned .count", "begins in 1 day 13 h")
	b.reads("#planned .text", "On Jan 15, 2027, 06:00 to 07:00 UTC we restart our databases. Expect a few brief interruptions, never one long one.")
	if got, want := len(b.texts("#planned table tr")), len(database.Promises); got != want {
		t.Errorf("got %d promises, want %d", got, want)
	}
	components := b.texts("#components .comp :is(h3, h4)")
	if want := []string{"Email", "Chats and Posts", "Mobile Push", "Admin notifications", "Web Messenger", "Mobile Messenger", "Web Application", "APIs"}; !slices.Equal(components, want) {
		t.Errorf("got the components %q, want %q", components, want)
	}
	if got := b.attribute(".bar", "aria-label"); !strings.HasPrefix(got, "Email, last 90 days: ") {
		t.Errorf("got the bar read as %q, want it to begin with the name and the span", got)
	}
	if days := b.texts("#components .bar title"); !slices.ContainsFunc(days, func(day string) bool { return strings.Contains(day, "Degraded performance") }) {
		t.Errorf("got the days %q, want one with degraded performance", days)
	}
	if past, want := b.texts("#past h4"), []string{"E-mail to one provider arrives late", "Web application unavailable"}; !slices.Equal(past, want) {
		t.Errorf("got the past events %q, want %q", past, want)
	}
	b.do("open a report", chromedp.Click(chromedp.CSS("#planned h3 a")), chromedp.WaitVisible(chromedp.ID("updates")))
	b.reads("#banner h1", database.Title)
	b.reads("#banner [role=status] .st", "Scheduled")
	b.reads("#facts .count", "begins in 1 day 13 h")
	b.reads("#updates h3", "Scheduled")
	b.do("open the history", chromedp.Click(chromedp.CSS("nav a[href='/history']")), chromedp.WaitVisible(chromedp.CSS(".pages")))
	b.reads("#banner h1", "History")
	if past, want := b.texts("main .event h3"), []string{"E-mail to one provider arrives late", "Web application unavailable"}; !slices.Equal(past, want) {
		t.Errorf("got the history %q, want %q", past, want)
	}
}

func TestAMaintenanceCanBeFollowedWithoutJavaScript(t *testing.T) {
	s := underWay(t)
	b := newPlainTab(t)
	b.open(s.url("/"))
	b.reads("#now .count", "30 min left")
	if got := b.attribute("#now .track", "aria-valuenow"); got != "50" {
		t.Errorf("got %s %% of the window, want 50", got)
	}
	width := eval[float64](b, `(e => Math.round(100 * e.getBoundingClientRect().width / e.closest("svg").getBoundingClientRect().width))(document.querySelector("#now .track .done"))`)
	if width != 50 {
		t.Errorf("got a track filled to %v %%, want 50", width)
	}
	s.set("2027-01-15 07:00")
	s.set("2027-01-15 07:14")
	b.open(s.url("/"))
	b.reads("#banner h1", "Maintenance is taking longer than planned")
	b.reads("#now .count", "overrun by 14 min")
	s.do(func(ctx context.Context, k *keeper.Keeper) error {
		_, err := k.Complete(ctx, "db", status.Post{}, operator)
		return err
	})
	b.open(s.url(s.report("db")))
	b.reads("#banner .lead", "Completed on January 15, 2027, 14 minutes later than planned")
	b.open(s.url("/"))
	b.reads("#past h4", database.Title)
}

func TestGroupsOpenAndCloseWithoutJavaScript(t *testing.T) {
	s := northwind(t)
	b := newPlainTab(t)
	b.open(s.url("/"))
	b.press(strings.Repeat(kb.Tab, 8))
	if got, want := b.focused(), "group Message delivery"; got != want {
		t.Fatalf("got the focus on the %s, want the %s", got, want)
	}
	b.press(kb.Enter)
	b.do("see the group closed", chromedp.WaitReady(chromedp.CSS("details:not([open])")))
}

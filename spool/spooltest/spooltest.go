// Package spooltest holds what every journal of the spool has to do, as tests, what a spool has to do on each of them, and
// a disk that forgets what was not synced, so that a journal can be shown to have synced.
//
// Start with [Journal] and [Spool], which run the suites against one implementation, and with [NewForgetful]. A disk that
// forgets is stricter than most: it says nothing of how much time passes until a system writes by itself.
package spooltest

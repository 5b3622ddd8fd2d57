// Package notify tells everybody who asked, once: who they are, what each of them is told, and by which way.
//
// Begin with [Subscriber]: what somebody asked for, and whether they are to be told ([Subscriber.State]). [Before.Notices]
// makes the [Notice] values of a change, each with its [Audience]; the store writes them, and one delivery for each subscriber
// in the audience, in the transaction of the change itself. From then on those rows are the queue: a [Dispatcher] takes
// [Parcel] values of it, hands each delivery to the [Courier] of its channel, and settles what became of it. A [Desk] is where
// people subscribe, confirm, change what they hear of, and leave.
//
// # What is promised
//
// A notice and its change are one transaction: neither is there without the other. What was recorded as sent is not sent
// again. A process that is killed loses nothing: what it had taken is due again when its lease has run out, and only what was
// handed over and not yet recorded, at most [Dispatcher.Window] deliveries, may go out twice, with the same Message-ID or
// webhook-id. What a notice says is kept with it, so that a late delivery says what was so when it was made. A reminder that
// something overtook is not sent. Nobody is told who has not confirmed, unless an operator vouched for them.
//
// Memory does not grow with the number of subscribers, and a destination that is slow or dead delays no other: it is the
// couriers that see to that.
//
// The promise ends at the other side's door: a relay that accepted a message may still lose it, and a bounce comes back
// later, if at all.
package notify

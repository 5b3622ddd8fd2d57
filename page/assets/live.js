// The page is whole without this file. It adds what a document cannot do by itself: clocks that run, the
// reader's own time zone, days that can be walked by hand, and changes that arrive without a reload.
"use strict";
(() => {
  const root = document.documentElement
  const zone = root.dataset.zone
  const all = (selector, within = document) => [...within.querySelectorAll(selector)]
  const add = (tag, className, parent = document.body) => {
    const element = Object.assign(document.createElement(tag), {className})
    parent.append(element)
    return element
  }

  // Countdowns follow the server's clock, which a demonstration drives faster. A page may have waited in a
  // cache, so until the server speaks a reader's clock ahead of it is believed; one behind it is wrong. The page
  // of a past event does not say the time, because it is kept for long.
  let clock = {server: Date.parse(root.dataset.now) || Date.now(), here: Date.now(), speed: Number(root.dataset.speed) || 1}
  if (clock.speed === 1) clock.server = Math.max(clock.server, clock.here)
  const now = () => clock.server + (Date.now() - clock.here) * clock.speed

  const span = ms => {
    const s = Math.floor(ms / 1000), m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24)
    if (d) return (d === 1 ? "1 day" : `${d} days`) + (h % 24 ? ` ${h % 24} h` : "")
    if (h) return `${h} h` + (m % 60 ? ` ${m % 60} min` : "")
    return m ? `${m} min` : `${s} s`
  }
  // What is to come is rounded up and what is gone down, so that an hour before the end reads "1 h left".
  const coming = ms => span(ms > 60_000 ? Math.ceil(ms / 60_000) * 60_000 : ms)
  const counts = {
    begins: ms => ms > 0 ? `begins in ${coming(ms)}` : ms > -60_000 ? "begins now" : `late by ${span(-ms)}`,
    left: ms => ms > 0 ? `${coming(ms)} left` : `overrun by ${span(-ms)}`,
    since: ms => `for ${span(Math.max(0, -ms))}`,
    ago: ms => `${span(Math.max(0, -ms))} ago`,
  }

  // A track ends at the latest of its window, its estimate and now, so that an overrun makes room for itself.
  // Marks say their times; one without an end lasts until now, or until the end of the track.
  const place = (track, at) => {
    const start = Date.parse(track.dataset.start), end = Date.parse(track.dataset.end)
    const last = Math.max(end, Date.parse(track.dataset.until) || 0, at)
    const percent = t => Math.min(100, Math.max(0, 100 * (t - start) / (last - start)))
    for (const mark of all("[data-from]", track)) {
      const {from, to} = mark.dataset, x = percent(Date.parse(from))
      for (const name of mark.tagName === "line" ? ["x1", "x2"] : ["x"]) mark.setAttribute(name, `${x}%`)
      if (mark.tagName === "text") mark.setAttribute("text-anchor", x > 75 ? "end" : x < 25 ? "start" : "middle")
      if (mark.tagName === "rect") mark.setAttribute("width", `${Math.max(0, percent(to === "last" ? last : Date.parse(to) || at) - x)}%`)
    }
    track.setAttribute("aria-valuenow", Math.round(percent(at)))
    track.setAttribute("aria-valuetext", counts.left(end - at))
  }
  const tick = () => {
    const at = now()
    for (const time of all("time[data-count]")) {
      const text = counts[time.dataset.count](Date.parse(time.dateTime) - at)
      if (time.textContent !== text) time.textContent = text
    }
    for (const track of all(".track[data-start]")) place(track, at)
  }

  // The reader's zone stands beside the page's only where the two differ at that moment.
  const format = (options, timeZone) => new Intl.DateTimeFormat(root.lang, {hourCycle: "h23", timeZone, ...options})
  const hour = {hour: "2-digit", minute: "2-digit"}, day = {weekday: "short"}
  const localise = part => {
    for (const element of all(".when, time[data-local]", part)) {
      const times = element.matches("time") ? [element] : all("time", element)
      const [from, to] = times.map(time => new Date(time.dateTime))
      const other = options => format(options).format(from) !== format(options, zone).format(from)
      if (!other({...hour, ...day})) continue
      const own = format({...hour, ...(to || other(day) ? day : {}), ...(to && {timeZoneName: "short"})})
      const text = `${to ? `${own.formatRange(from, to)},` : own.format(from)} your time`
      const yours = add("span", "yours", to ? element : element.parentNode)
      yours.textContent = text
      if (!to) element.after(" ", yours)
    }
  }

  // Of all bars only one is in the tab order: Left and Right walk the days, Up and Down the components. A
  // read-only slider is the role whose arrow keys assistive technology passes on.
  const tip = add("div", "tip", document.getElementById("main")), tipDay = add("b", "", tip), tipText = add("span", "", tip)
  const mark = document.createElementNS("http://www.w3.org/2000/svg", "rect")
  let leaving
  tip.hidden = true
  mark.setAttribute("class", "at")
  mark.setAttribute("width", 1)
  mark.setAttribute("pointer-events", "none") // or the pointer would leave the day as soon as it is marked

  const number = (element, name) => Number(element.getAttribute(name))
  const bars = () => all(".bar").filter(bar => bar.checkVisibility())
  const enter = bar => { for (const other of all(".bar")) other.tabIndex = other === bar ? 0 : -1 }
  const point = (bar, i) => {
    const run = all("[width]", bar).findLast(rect => rect !== mark && i >= number(rect, "x"))
    const [year, month, date] = bar.closest("[data-today]").dataset.today.split("-")
    tipDay.textContent = format({...day, month: "long", day: "numeric"}, "UTC").format(Date.UTC(year, month - 1, date - 89 + i))
    tipText.textContent = run.dataset.day || (run.matches(".no") ? "No data" : "Operational")
    bar.setAttribute("aria-valuenow", i)
    bar.setAttribute("aria-valuetext", `${tipDay.textContent}: ${tipText.textContent}`)
  }
  const hide = () => { clearTimeout(leaving); tip.hidden = true; mark.remove() }
  const show = (bar, day) => {
    const i = Math.min(89, Math.max(0, day)), box = bar.getBoundingClientRect()
    clearTimeout(leaving)
    point(bar, i)
    mark.setAttribute("x", i)
    bar.firstChild.append(mark)
    tip.hidden = false
    const left = box.left + box.width * (i + .5) / 90 - tip.offsetWidth / 2
    tip.style.left = `${Math.max(8, Math.min(left, root.clientWidth - tip.offsetWidth - 8))}px`
    tip.style.top = `${box.bottom + scrollY + 6}px`
  }
  const prepare = part => {
    for (const bar of all(".bar", part)) {
      // A browser shows a <title> by itself; two cards at once would be one too many.
      for (const title of all("title", bar)) {
        title.parentNode.dataset.day = title.textContent.replace(/^[^:]*: /, "")
        title.remove()
      }
      for (const [name, value] of Object.entries({role: "slider", "aria-readonly": true, "aria-valuemin": 0, "aria-valuemax": 89})) bar.setAttribute(name, value)
      point(bar, 89)
    }
    if (!bars().some(bar => bar.tabIndex === 0)) enter(bars()[0])
  }
  const hover = event => {
    const bar = event.target.closest(".bar"), box = bar?.getBoundingClientRect()
    if (bar) show(bar, Math.floor((event.clientX - box.left) / box.width * 90))
    else if (tip.contains(event.target)) clearTimeout(leaving)
    else if (event.type === "pointerdown") hide()
  }
  // The card waits for a pointer that travels onto it (WCAG 1.4.13) and stays under a finger that has gone.
  const leave = event => {
    clearTimeout(leaving)
    if (event.pointerType !== "touch" && !tip.hidden) leaving = setTimeout(hide, 200)
  }
  const keys = event => {
    const bar = event.target.closest(".bar")
    if (event.key === "Escape") return hide()
    if (!bar || event.ctrlKey || event.metaKey || event.altKey) return
    const i = number(bar, "aria-valuenow")
    const to = {ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: 89}[event.key]
    const next = bars()[bars().indexOf(bar) + {ArrowUp: -1, ArrowDown: 1}[event.key]]
    if (to !== undefined) show(bar, to)
    else if (next) { enter(next); next.focus(); show(next, i) } else return
    event.preventDefault()
  }
  for (const type of ["pointermove", "pointerdown"]) document.addEventListener(type, hover)
  document.addEventListener("pointerout", leave)
  document.addEventListener("keydown", keys)
  document.addEventListener("focusin", event => {
    if (event.target.matches(".bar:focus-visible")) show(event.target, number(event.target, "aria-valuenow"))
  })
  document.addEventListener("focusout", hide)
  document.addEventListener("toggle", () => prepare(root), true)

  // What the server sent is remembered as it was, because the lines above change the document: only a part
  // whose source differs is replaced. What runs by itself is no difference: of a countdown its text, of a track all
  // but its times. The part's element stays, so that a role=status in it speaks.
  const source = part => part.outerHTML.replace(/(data-count[^>]*>)[^<]*/g, "$1")
    .replace(/<svg class="track"[^]*?<\/svg>/g, track => track.match(/data-\w+="[^"]*"/g))
  const sources = new Map(all("[data-live]").map(part => [part.id, source(part)]))
  const enhance = part => { localise(part); prepare(part) }
  const key = element => element.getAttribute("href") || element.parentNode.id
  const alike = (element, part) => all(element.tagName, part).filter(other => key(other) === key(element))
  const replace = next => {
    const part = document.getElementById(next.id), focused = part.contains(document.activeElement) ? document.activeElement : null
    const place = focused && alike(focused, part).indexOf(focused) // an event has two links to one address
    const open = new Map(all("details", part).map(details => [details.id, details.open]))
    sources.set(next.id, source(next))
    for (const {name} of [...part.attributes]) if (!next.hasAttribute(name)) part.removeAttribute(name)
    for (const {name, value} of next.attributes) part.setAttribute(name, value)
    part.replaceChildren(...next.childNodes)
    for (const details of all("details", part)) details.open = open.get(details.id) ?? details.open
    enhance(part)
    // The place a keyboard was at: the same link, the same bar, the same group.
    if (focused) (alike(focused, part)[place] ?? alike(focused, part)[0])?.focus({preventScroll: true})
  }

  // A version begins with its point of the feed. One that is shown is not taken back for an older one, unless that is
  // what the stream tells of.
  let {version, now: stated} = root.dataset, wanted = version, within = 0, busy = false, wake
  const pause = ms => new Promise(done => { wake = done; setTimeout(done, ms) })
  const age = (a, b) => parseInt(b) - parseInt(a)
  const fetched = async goal => {
    // A cache in between keeps what one reader of a version got for all others of it, and nothing from before.
    const url = new URL(location.href)
    url.searchParams.set("v", goal)
    const answer = await fetch(url, {cache: "no-cache"})
    if (!answer.ok) throw new Error(`the page answered ${answer.status}`)
    return new DOMParser().parseFromString(await answer.text(), "text/html")
  }
  // update gives the version that is shown after it. The page of a past event names none: whatever came is it.
  const update = async goal => {
    const next = await fetched(goal), {version: got = goal, now: at} = next.documentElement.dataset
    if (got !== goal && (got === version || (age(got, version) || Date.parse(stated) - Date.parse(at)) > 0)) return version
    // A new release brings new styles under a new policy; only a real load can take them. While releases change and
    // nodes of both answer, it is tried once in a while.
    if (next.querySelector("style").textContent !== document.querySelector("style").textContent) {
      if (performance.now() > 30_000 || performance.getEntriesByType("navigation")[0]?.type !== "reload") location.reload()
      return version
    }
    stated = at
    const changed = all("[data-live]", next).filter(part => sources.has(part.id) && sources.get(part.id) !== source(part))
    const names = changed.map(part => part.dataset.live).filter(Boolean)
    const swap = () => { hide(); changed.forEach(replace); document.title = next.title; tick() }
    const calm = document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches
    if (document.startViewTransition && !calm) {
      const transition = document.startViewTransition(swap)
      transition.ready.catch(() => {}) // a newer change cut it short
      await transition.updateCallbackDone
    } else swap()
    if (names.length) document.getElementById("said").textContent = `Updated: ${names.join(", ")}.`
    return got
  }
  // The page that comes may be another than the one that the stream told of: another node made it, which is up to a second
  // behind, or a cache in between. It is asked for again, ever more rarely, until it is there or a newer one is told of.
  // Crowds spread out; a stream that is behind the page is given time to catch up.
  const follow = async goal => {
    await pause(age(goal, version) > 0 ? 3_000 : Math.random() * within)
    for (let wait = 500; goal === wanted && goal !== version; wait = Math.min(2 * wait, 32_000)) {
      version = await update(goal)
      if (goal !== version) await pause(wait)
    }
  }
  // One refetch at a time; one that failed is tried again at the next message.
  const refresh = async () => {
    if (busy) return
    busy = true
    try {
      while (wanted !== version) await follow(wanted)
    } catch (cause) {
      console.warn("The page could not be refreshed:", cause.message)
    } finally {
      busy = false
    }
  }

  const note = add("p", "note")
  note.hidden = true
  note.setAttribute("role", "status")
  let lost
  const alive = () => { clearTimeout(lost); lost = undefined; note.hidden = true }
  const alone = () => {
    note.hidden = false
    note.textContent = "Not connected. This page updates itself when the connection is back."
  }
  let stream
  const listen = () => {
    stream?.close()
    stream = new EventSource("/live")
    stream.addEventListener("open", alive)
    stream.addEventListener("page", event => {
      const message = JSON.parse(event.data)
      clock = {server: Date.parse(message.now), here: Date.now(), speed: message.speed || 1}
      within = message.within || 0
      if (wanted !== message.version) wake?.()
      wanted = message.version
      version ??= wanted
      tick()
      refresh()
    })
    // EventSource comes back by itself, except after an answer that is no stream, such as a proxy's 502.
    stream.addEventListener("error", () => {
      lost ??= setTimeout(alone, 30_000)
      if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 10_000 + Math.random() * 10_000)
    })
  }

  // Whose zone is not known yet is asked for the browser's own.
  for (const field of all("input[data-own]")) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? field.value

  enhance(root)
  tick()
  setInterval(tick, clock.speed === 1 ? 1000 : 250)
  // A page on which somebody fills in a form stays as it is.
  if (location.protocol !== "file:" && !document.forms.length) {
    listen()
    // A page that was left is kept for the way back, its stream with it; a browser has six connections to a server
    // (HTTP/1.1), and the seventh page would wait for one.
    addEventListener("pagehide", () => stream.close())
    addEventListener("pageshow", event => { if (event.persisted) listen() })
  }
})()

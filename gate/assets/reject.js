"use strict";
(() => {
  const {lang, dataset: {back}} = document.documentElement
  const at = (timeZone, options) => new Intl.DateTimeFormat(lang, {hourCycle: "h23", hour: "2-digit", minute: "2-digit", timeZone, ...options})
  for (const time of document.querySelectorAll("time")) {
    const from = new Date(time.dateTime), to = time.dataset.to && new Date(time.dataset.to), day = {weekday: "short"}
    const other = options => at(undefined, options).format(from) !== at("UTC", options).format(from)
    if (!other(day)) continue
    const own = at(undefined, {...(to || other({...day, hour: undefined, minute: undefined}) ? day : {}), ...(to && {timeZoneName: "short"})})
    const yours = Object.assign(document.createElement("span"), {
      className: "yours", textContent: to ? `${own.formatRange(from, to)}, your time` : `(${own.format(from)} your time)`,
    })
    time.after(" ", yours)
  }

  const said = document.getElementById("said"), again = document.getElementById("again")
  const form = document.forms[0]
  let sent
  addEventListener("pageshow", () => { sent = false })
  form?.addEventListener("submit", event => { sent ? event.preventDefault() : sent = true })
  if (again && !form) {
    again.hidden = false
    again.addEventListener("click", () => location.reload())
  }
  if (!back) return

  // Something that was sent is sent again by its sender alone; everything else goes on by itself.
  const acted = said?.dataset.back
  if (acted) said.textContent = said.dataset.away
  if (again) again.disabled = true
  const resume = () => {
    if (!acted) return location.reload()
    if (again) again.disabled = false
    said.classList.remove("waits")
    said.textContent = document.title = acted
  }
  let wait = 2000, timer
  const sleep = () => {
    timer = setTimeout(look, wait * (1 + Math.random() / 4))
    wait = Math.min(wait * 1.5, 12_000)
  }
  const look = async () => {
    clearTimeout(timer)
    timer = 0
    try {
      const answer = await fetch(back, {cache: "no-store", signal: AbortSignal.timeout(10_000)})
      if (answer.status === 204) return resume()
    } catch { /* as good as away */ }
    sleep()
  }
  const soon = () => { if (timer && !document.hidden) look() }
  addEventListener("online", soon)
  document.addEventListener("visibilitychange", soon)
  sleep()
})()

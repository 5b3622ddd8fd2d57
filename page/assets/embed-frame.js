// The frame says what is going on, asks again each minute, and tells the page around it when there is something to be
// seen. It is whole without a page around it, and without this file it says what was so when it was loaded.
"use strict";
(() => {
  const every = 60_000, longest = 15 * 60_000
  const part = id => document.getElementById(id)
  const framed = parent !== window
  const dismissed = new Set(location.hash.slice(1).split(",").filter(Boolean).map(decodeURIComponent))
  let current = [], said = ""

  // Which site has the frame is not known. The message says that there is an event, which is public.
  const tell = message => { if (framed) parent.postMessage(message, "*") }

  const show = state => {
    current = state.events.filter(event => !dismissed.has(event.id))
    const [first] = current
    const shown = first ?? {condition: state.condition, state: state.page, title: state.headline, text: "", url: state.url}
    const more = current.length > 1 ? `· ${current.length - 1} more` : ""
    part("box").className = shown.condition
    for (const [id, text] of Object.entries({word: shown.state, title: shown.title, when: shown.text, more})) {
      if (part(id).textContent !== text) part(id).textContent = text
    }
    part("title").href = shown.url
    part("dismiss").hidden = !framed || !first
    tell({action: first ? "showFrame" : "dismissFrame"})
    // Assistive technology speaks of what changes in a frame that is seen, so the frame is shown first.
    const words = first ? `${state.page}: ${shown.state}. ${shown.title}. ${shown.text}${more.replace("·", ", and")}.` : ""
    if (words !== said) setTimeout(() => { part("said").textContent = said = words }, 300)
  }

  let state = JSON.parse(document.body.dataset.state), wait = every, timer, busy = false
  const dismiss = () => {
    if (!framed || !current.length) return
    for (const event of current) dismissed.add(event.id)
    tell({action: "dismissFrame", events: current.map(event => event.id)})
    show(state)
  }
  part("dismiss").addEventListener("click", dismiss)
  addEventListener("keydown", event => { if (event.key === "Escape") dismiss() })

  // A page that answers is asked each minute, one that does not ever more rarely. A tab that nobody looks at asks nothing.
  const ask = async () => {
    clearTimeout(timer)
    if (busy || document.hidden) return
    busy = true
    try {
      const answer = await fetch("/embed/state.json", {cache: "no-cache"})
      if (!answer.ok) throw new Error(`the page answered ${answer.status}`)
      show(state = await answer.json())
      wait = every
    } catch {
      wait = Math.min(2 * wait, longest)
    }
    busy = false
    timer = setTimeout(ask, wait * (1 + Math.random() / 10))
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask() })
  show(state)
  timer = setTimeout(ask, every * (1 + Math.random() / 10))
})()

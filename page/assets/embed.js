// Other sites include this file with one script element. It adds a frame in a corner of their page, which is seen only
// while an incident is open or a maintenance under way. What it knows of the page around it is nothing, and what it keeps
// there is which events the reader does not want to hear of again.
"use strict";
(() => {
  const own = document.currentScript ?? document.querySelector('script[src*="/embed/script.js"]')
  if (!own) return
  const home = new URL("frame", own.src), name = `interlude-dismissed ${home.origin}`
  const most = 20 // dismissed events that are remembered
  const isText = value => typeof value === "string" && value.length < 200

  // A site without storage, or a reader who forbids it, is told of an event again on the next page.
  const dismissed = () => {
    try {
      const ids = JSON.parse(localStorage.getItem(name))
      return Array.isArray(ids) ? ids.filter(isText).slice(-most) : []
    } catch { return [] }
  }
  const remember = ids => {
    try {
      localStorage.setItem(name, JSON.stringify([...new Set([...dismissed(), ...ids.filter(isText)])].slice(-most)))
    } catch { /* see above */ }
  }

  const frame = document.createElement("iframe")
  const narrow = matchMedia("(max-width: 480px)")
  frame.title = own.dataset.title || "Service status"
  // The site's own rules for frames must not tear ours: each property is set on the element, and as important.
  const set = properties => {
    for (const [property, value] of Object.entries(properties)) frame.style.setProperty(property, value, "important")
  }
  const place = () => set(narrow.matches
    ? {left: "8px", right: "8px", bottom: "8px", width: "calc(100% - 16px)"}
    : {left: "auto", right: "20px", bottom: "20px", width: "320px"})
  const look = () => {
    set({
      display: "none", position: "fixed", top: "auto", height: "115px", "min-width": "0", "max-width": "none", "min-height": "0",
      margin: "0", padding: "0", border: "0", "border-radius": "12px", "box-shadow": "0 8px 28px rgb(0 0 0 / .18)",
      "color-scheme": "light dark", "z-index": "2147483000",
    })
    place()
    narrow.addEventListener("change", place)
  }

  const hidden = () => frame.style.display === "none"
  const actions = {
    showFrame() {
      if (!hidden()) return
      set({display: "block"})
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) return
      frame.animate([{opacity: 0, transform: "translateY(12px)"}, {opacity: 1, transform: "none"}], {duration: 250, easing: "ease-out"})
    },
    dismissFrame(events) {
      if (Array.isArray(events)) remember(events)
      if (document.activeElement === frame) frame.blur()
      set({display: "none"})
    },
  }
  addEventListener("message", event => {
    if (event.origin !== home.origin || !event.source || event.source !== frame.contentWindow) return
    const {action, events} = event.data ?? {}
    if (Object.hasOwn(actions, action)) actions[action](events)
  })

  const add = () => {
    if ([...document.querySelectorAll("iframe")].some(other => other.src.startsWith(home.href))) return // included twice
    if (narrow.matches) home.searchParams.set("mobile", "true")
    home.hash = dismissed().map(encodeURIComponent).join(",")
    look()
    frame.src = home.href
    document.body.append(frame)
  }
  if (document.body) add()
  else addEventListener("DOMContentLoaded", add)
})()

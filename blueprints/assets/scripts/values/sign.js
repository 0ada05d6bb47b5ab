// A signature: drawn with a finger, pen or mouse, or written from a typed name; sent as a picture.
import { changed } from "../forms/elements.js";

export function start(place) {
  const template = place.querySelector("template"), input = place.querySelector("input[type=file]");
  if (!template) return undefined;
  template.before(template.content.cloneNode(true));
  template.remove();
  const canvas = place.querySelector("canvas"), typed = place.querySelector("[data-typed]"), clear = place.querySelector("[data-clear]");
  const pen = canvas.getContext("2d");
  let last = null;

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  const wipe = () => pen.clearRect(0, 0, canvas.width, canvas.height);
  const keep = () => canvas.toBlob((blob) => {
    const files = new DataTransfer();
    files.items.add(new File([blob], "signature.png", { type: "image/png" }));
    input.files = files.files;
    changed(input);
  });
  const dot = (event) => {
    const next = at(event);
    pen.beginPath();
    pen.lineWidth = 3 * (event.pressure ? 0.5 + event.pressure : 1);
    pen.lineCap = "round";
    pen.strokeStyle = "#102040";
    pen.moveTo(...(last ?? next));
    pen.lineTo(...next);
    pen.stroke();
    last = next;
  };

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (typed.value) { typed.value = ""; wipe(); }
    last = null;
    dot(event);
  });
  canvas.addEventListener("pointermove", (event) => { if (last) for (const each of event.getCoalescedEvents?.() ?? [event]) dot(each); });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { if (last) { last = null; keep(); } });
  typed.addEventListener("input", () => {
    wipe();
    if (!typed.value.trim()) { input.value = ""; changed(input); return; }
    let size = 88;
    do pen.font = `italic ${(size -= 4)}px "Snell Roundhand", "Segoe Script", "Brush Script MT", "STXingkai", "KaiTi", cursive`;
    while (size > 20 && pen.measureText(typed.value).width > canvas.width - 40);
    pen.fillStyle = "#102040";
    pen.textBaseline = "middle";
    pen.fillText(typed.value, 20, canvas.height / 2);
    keep();
  });
  typed.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  clear.addEventListener("click", () => { wipe(); typed.value = ""; input.value = ""; changed(input); });
  return undefined;
}

// An address shows the parts that its country has.
export function start(place) {
  const country = place.querySelector("select"), part = (name) => place.querySelector(`[data-part="${name}"]`);

  const show = () => {
    const china = country.value === "CN";
    const region = part("region").querySelector("input");
    if (!china && region.value) region.value = "";
    part("region").hidden = !china;
    for (const name of ["state", "city", "district"]) {
      const each = part(name);
      each.hidden = china && !each.querySelector("input").value;
    }
  };
  country.addEventListener("change", show);
  show();
  return show;
}

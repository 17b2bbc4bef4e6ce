// Before and after: left of a line that can be moved, the picture alone.

const $ = (id) => document.getElementById(id);

export function offerComparison() {
  const slider = $("split");
  const show = () => {
    $("stage").style.setProperty("--split", slider.value / 100);
    slider.setAttribute("aria-valuetext", `picture alone on the left ${slider.value} %`);
  };
  $("compare").onclick = () => {
    const isOn = $("compare").getAttribute("aria-pressed") !== "true";
    $("compare").setAttribute("aria-pressed", isOn);
    $("stage").classList.toggle("compared", isOn);
    slider.hidden = !isOn;
    if (isOn) slider.focus();
  };
  slider.oninput = show;
  show();
}

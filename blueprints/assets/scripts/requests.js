// What every request of htmx carries, and what is said when one is refused.
import { csrf, language, toast } from "./api.js";

const SAID = {
  en: { lost: "The server cannot be reached. Check the connection and try again.", failed: "This did not work. Load the page again and repeat it." },
  zh: { lost: "无法连接服务器，请检查网络后重试。", failed: "操作未成功，请刷新页面后重试。" },
};

export function install() {
  document.addEventListener("htmx:config:request", (event) => {
    const request = event.detail.ctx?.request;
    if (!request) return;
    request.headers["X-CSRF-Token"] = csrf();
    request.headers["Accept-Language"] = language();
  });
  document.addEventListener("htmx:before:swap", (event) => {
    // htmx copies the attribute to what replaces an element; the policy of the page refuses it, empty or not.
    const old = event.detail.ctx?.target?.querySelectorAll?.('[id][style=""]') ?? [];
    for (const each of old) each.removeAttribute("style");
  });
  document.addEventListener("htmx:response:error", (event) => {
    const { ctx } = event.detail;
    if (ctx?.response?.status === 401) location.reload(); // the page itself leads to the sign-in
    else if (!ctx?.sourceElement?.closest?.("[data-quiet]")) toast(problems(ctx) ?? SAID[language()].failed, "bad");
  });
  document.addEventListener("htmx:error", (event) => {
    if (!event.detail.ctx?.sourceElement?.closest?.("[data-quiet]")) toast(SAID[language()].lost, "bad");
  });
}

function problems(ctx) {
  try {
    return JSON.parse(ctx.text).problems.map((each) => each.message).join(" ");
  } catch {
    return null;
  }
}

// Exports: begun from the list, written by a job, told when the file is there.
import { api, language, tell, toast } from "../api.js";
import { fetched, place, refusal } from "./state.js";
import { ids } from "./bulk.js";

const WORDS = {
  en: { writing: "Writing the file…", ready: "The file is ready: {count} records.", open: "Download", failed: "The export stopped with an error." },
  zh: { writing: "正在生成文件…", ready: "文件已生成：共 {count} 条记录。", open: "下载", failed: "导出出错而中止。" },
};
const PAUSE_MS = 700;

export function install() {
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-export]")) return;
    event.preventDefault();
    begin(new FormData(event.target));
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-bulk='export']")) return;
    const body = new FormData();
    body.set("kind", "xlsx");
    if (ids()) body.set("ids", ids());
    begin(body);
  });
}

async function begin(body) {
  const words = WORDS[language()];
  const answer = await fetched(place("export"), { method: "POST", body }).catch(tell);
  if (!answer) return;
  if (!answer.ok) return tell(await refusal(answer));
  const { watch, file } = await answer.json();
  toast(words.writing, "info");
  const look = async () => {
    const job = await api.get(watch).catch(() => null);
    if (!job || ["queued", "running"].includes(job.state)) return setTimeout(look, PAUSE_MS);
    if (job.state !== "done") return toast(`${words.failed} ${job.error?.problems?.map((each) => each.message?.[language()] ?? each.message).join(" ") ?? ""}`, "bad");
    const open = () => { const link = document.createElement("a"); link.href = file; link.download = ""; document.body.append(link); link.click(); link.remove(); };
    return toast(words.ready.replace("{count}", job.result?.rows ?? ""), "good", { label: words.open, run: open });
  };
  setTimeout(look, PAUSE_MS / 2);
}

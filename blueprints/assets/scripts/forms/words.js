// What the controls say by themselves, in both languages.
import { language } from "../api.js";

const WORDS = {
  en: {
    recent: "Recent", create: "Create “{text}”", createNew: "Create new…", nothing: "Nothing found", clear: "Clear", remove: "Remove {what}",
    chooseOne: "Choose one from the list.", calendar: "Open the calendar", addRow: "Add row", moved: "Row {row} moved", deleted: "Row {row} deleted",
    undo: "Undo", most: "No more than {most} rows here.", up: "Move row {row} up", down: "Move row {row} down", of: "{count} of {most}",
    dropHere: "Drop a file here or", choose: "choose one", replace: "Replace", removeFile: "Remove", uploading: "Uploading {name}", uploadFailed: "The file could not be sent. Try again.",
    waitUpload: "A file is still being sent.", draft: "Draft from {time}, not saved yet.", draftOld: "Draft from {time}. The record has been saved by somebody else since; both values will be shown where they differ.",
    discard: "Discard", unsaved: "Not saved yet", kept: "Draft kept", saving: "Saving…", leave: "Discard what you entered?", leaveText: "It has not been saved.",
    mine: "Yours", theirs: "Saved by {who}", theirsNobody: "Saved", keepMine: "Keep mine", takeTheirs: "Take theirs", saved: "Saved.", offline: "The server cannot be reached. Check the connection and try again.",
    created: "{title} created", open: "Open", row: "row {row}", rows: "{count} rows", read: "= {text}", save: "Save", cancel: "Cancel", remembered: "Row {row} is kept",
  },
  zh: {
    recent: "最近使用", create: "新建“{text}”", createNew: "新建…", nothing: "未找到", clear: "清除", remove: "移除{what}",
    chooseOne: "请从列表中选择。", calendar: "打开日历", addRow: "添加行", moved: "第 {row} 行已移动", deleted: "已删除第 {row} 行",
    undo: "撤销", most: "此处最多 {most} 行。", up: "上移第 {row} 行", down: "下移第 {row} 行", of: "{count} / {most}",
    dropHere: "将文件拖到此处，或", choose: "选择文件", replace: "更换", removeFile: "移除", uploading: "正在上传 {name}", uploadFailed: "文件未能上传，请重试。",
    waitUpload: "文件仍在上传中。", draft: "{time} 的草稿，尚未保存。", draftOld: "{time} 的草稿。此后他人已保存该记录，不同之处将显示双方的值。",
    discard: "放弃", unsaved: "尚未保存", kept: "草稿已保留", saving: "正在保存…", leave: "放弃已输入的内容？", leaveText: "内容尚未保存。",
    mine: "您的值", theirs: "{who} 保存的值", theirsNobody: "已保存的值", keepMine: "保留我的", takeTheirs: "采用对方的", saved: "已保存。", offline: "无法连接服务器，请检查网络后重试。",
    created: "已新建 {title}", open: "打开", row: "第 {row} 行", rows: "{count} 行", read: "= {text}", save: "保存", cancel: "取消", remembered: "第 {row} 行已保留",
  },
};

/** A text of the controls with its holes filled. */
export function say(key, values = {}) {
  return WORDS[language()][key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

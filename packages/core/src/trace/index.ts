export { type EntryChange, type MapChange, MapWatch } from "./map-watch.ts";
export { type MissCount, type PathCount, pathOf, type Summary, Tally, verdictText } from "./summary.ts";

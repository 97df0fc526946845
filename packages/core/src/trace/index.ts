export { compareMaps, compareOutcomes, type Difference, perfSample } from "./compare.ts";
export { type EntryChange, type MapChange, MapWatch, type WatchedMap } from "./map-watch.ts";
export type { EngineOutcome, EngineResult } from "./outcome.ts";
export { type MissCount, type PathCount, pathOf, type Summary, Tally, verdictText } from "./summary.ts";

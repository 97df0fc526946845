export { fixture, fixtureNames } from "./fixtures.ts";

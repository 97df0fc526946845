export * from "@tailhop/core";

// Maps of maps: an entry is the address of the inner map's header. array_of_maps is a slots map; hash_of_maps keeps
// the address as a 4-byte value and replaces it in place.

import { hashLookup } from "./hash";
import { slotLoad } from "./slots";

export function arrayOfMapsLookup(map: usize, key: usize): usize {
	return slotLoad(map, load<u32>(key));
}

export function hashOfMapsLookup(map: usize, key: usize): usize {
	const value = hashLookup(map, key);
	return value == 0 ? 0 : load<u32>(value);
}

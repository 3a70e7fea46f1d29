// Copies of a store's objects on the local disk, shared by all processes that are given the same directory.
export { withCache, type CachedStore, type CacheOptions } from './store/cache/caching-store.js';

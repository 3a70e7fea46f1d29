export { slice, type Index, type Slice } from './selection/slice.js';

export { openTcp, type TcpOptions } from './tcp/open.js';

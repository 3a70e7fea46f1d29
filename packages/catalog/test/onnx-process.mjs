// node onnx-process.mjs <folder> <name> <json of rows>: what the model of that name makes of rows of x, in a process that knows
// nothing else. Prints JSON.
import { FileStorage } from '@dataref/core/fs';
import { onnxModel, openCatalog } from '@dataref/catalog';

const [folder, name, json] = process.argv.slice(2);
const session = await onnxModel(openCatalog(new FileStorage(folder)), name).load();
const { Tensor } = await import('onnxruntime-node');
const rows = JSON.parse(json);
const x = new Tensor('float32', Float32Array.from(rows.flat()), [rows.length, rows[0].length]);
const outputs = await session.run({ [session.inputNames[0]]: x });
console.log(JSON.stringify([...outputs[session.outputNames[0]].data]));

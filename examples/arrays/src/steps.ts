// Of one run, and after how many of them it saves a checkpoint: known to who starts a run too, without TensorFlow.js.
export const STEPS = 40;
export const STEPS_OF_CHECKPOINT = 10;

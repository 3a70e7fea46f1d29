;; Gather kernels: copy or convert the rows named by an index list into one dense output.
;;
;; Every address is an unsigned byte address below 4 GiB; no alignment is needed anywhere.
;; Index lists and offset lists hold uint32. Row i of a column of b-byte rows starts at src + i * b.
;; Nothing outside the named rows is read and nothing outside the output is written: a row whose size
;; is not a multiple of the vector width ends in a vector that overlaps the one before it, or in scalars.
;; Input and output must not overlap. Indices are trusted: the caller checks them against the column.
;;
;; Loops count rows down instead of comparing addresses, since an end address of 4 GiB wraps to 0.
(module
  (import "env" "memory" (memory 1))

  ;; From $copy_limit bytes on, rows go through memory.copy, which costs a call out of the module; from
  ;; $block_limit bytes on through inline blocks of 64 bytes; shorter ones through single vectors.
  (global $block_limit i32 (i32.const 256))
  (global $copy_limit i32 (i32.const 1024))

  ;; Rows of 128 to 4096 bytes are touched before they are copied, 16 KiB of them at a time. With shorter ones enough
  ;; loads are under way as it is, and in longer ones the processor foresees what comes.
  (global $touch_least i32 (i32.const 128))
  (global $touch_range i32 (i32.const 3969))
  (global $group_bytes i32 (i32.const 16384))

  ;; ---------------------------------------------------------------- fixed rows

  ;; gather(src, idx, n, byteLength, out): out row k = row idx[k], each of byteLength bytes.
  (func (export "gather")
    (param $src i32) (param $idx i32) (param $n i32) (param $bytes i32) (param $out i32)
    (local $group i32) (local $count i32)
    (if (i32.or (i32.eqz (local.get $n)) (i32.eqz (local.get $bytes))) (then (return)))
    (if (i32.lt_u (i32.sub (local.get $bytes) (global.get $touch_least)) (global.get $touch_range)) (then
      (local.set $group (i32.div_u (global.get $group_bytes) (local.get $bytes)))
      (loop $next
        (local.set $count (select (local.get $n) (local.get $group) (i32.lt_u (local.get $n) (local.get $group))))
        (call $touch (local.get $src) (local.get $idx) (local.get $count) (local.get $bytes))
        (call $copy_rows (local.get $src) (local.get $idx) (local.get $count) (local.get $bytes) (local.get $out))
        (local.set $idx (i32.add (local.get $idx) (i32.shl (local.get $count) (i32.const 2))))
        (local.set $out (i32.add (local.get $out) (i32.mul (local.get $count) (local.get $bytes))))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (local.get $count)))))
      (return)))
    (call $copy_rows (local.get $src) (local.get $idx) (local.get $n) (local.get $bytes) (local.get $out)))

  ;; touch(src, idx, n, byteLength): loads a byte of each cache line of n rows, each of 128 bytes or more. So all of them
  ;; come into the cache together, where in a loop that copies only few loads can be ahead of the stores. Two lines at a
  ;; time, the last two ending with the row: the fewer instructions, the more loads are under way.
  (func $touch (export "touch")
    (param $src i32) (param $idx i32) (param $n i32) (param $bytes i32)
    (local $at i32) (local $left i32)
    (loop $row
      (local.set $at (i32.add (local.get $src) (i32.mul (i32.load (local.get $idx)) (local.get $bytes))))
      (local.set $left (local.get $bytes))
      (loop $lines
        (if (i32.lt_u (local.get $left) (i32.const 128)) (then
          (local.set $at (i32.sub (i32.add (local.get $at) (local.get $left)) (i32.const 128)))
          (local.set $left (i32.const 128))))
        (drop (i32.load8_u (local.get $at)))
        (drop (i32.load8_u offset=64 (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 128)))
        (br_if $lines (local.tee $left (i32.sub (local.get $left) (i32.const 128)))))
      (drop (i32.load8_u (i32.sub (local.get $at) (i32.const 1))))
      (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
      (br_if $row (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  (func $copy_rows
    (param $src i32) (param $idx i32) (param $n i32) (param $bytes i32) (param $out i32)
    (if (i32.ge_u (local.get $bytes) (global.get $copy_limit)) (then
      (call $gather_long (local.get $src) (local.get $idx) (local.get $n) (local.get $bytes) (local.get $out))
      (return)))
    (if (i32.ge_u (local.get $bytes) (global.get $block_limit)) (then
      (call $gather_blocks (local.get $src) (local.get $idx) (local.get $n) (local.get $bytes) (local.get $out))
      (return)))
    (if (i32.ge_u (local.get $bytes) (i32.const 16)) (then
      (call $gather_vectors (local.get $src) (local.get $idx) (local.get $n) (local.get $bytes) (local.get $out))
      (return)))
    (call $gather_short (local.get $src) (local.get $idx) (local.get $n) (local.get $bytes) (local.get $out)))

  ;; Rows of 1024 bytes or more. Touching the first 256 bytes of the next row brings them into the cache while
  ;; this row is copied; the last row touches itself.
  (func $gather_long
    (param $src i32) (param $idx i32) (param $n i32) (param $bytes i32) (param $out i32)
    (local $next i32)
    (loop $row
      (local.set $next (i32.add (local.get $src) (i32.mul (local.get $bytes)
        (i32.load (i32.add (local.get $idx) (i32.shl (i32.gt_u (local.get $n) (i32.const 1)) (i32.const 2)))))))
      (drop (i32.load8_u (local.get $next)))
      (drop (i32.load8_u offset=64 (local.get $next)))
      (drop (i32.load8_u offset=128 (local.get $next)))
      (drop (i32.load8_u offset=192 (local.get $next)))
      (memory.copy
        (local.get $out)
        (i32.add (local.get $src) (i32.mul (i32.load (local.get $idx)) (local.get $bytes)))
        (local.get $bytes))
      (local.set $out (i32.add (local.get $out) (local.get $bytes)))
      (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
      (br_if $row (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  ;; Rows of 256 to 1023 bytes: blocks of 64 bytes, then vectors, then one that ends with the row. In a function of its
  ;; own the copying of one row takes half as long again.
  (func $gather_blocks
    (param $src i32) (param $idx i32) (param $n i32) (param $bytes i32) (param $out i32)
    (local $from i32) (local $to i32) (local $left i32)
    (loop $row
      (local.set $from (i32.add (local.get $src) (i32.mul (i32.load (local.get $idx)) (local.get $bytes))))
      (local.set $to (local.get $out))
      (local.set $left (local.get $bytes))
      (loop $block
        (v128.store (local.get $to) (v128.load (local.get $from)))
        (v128.store offset=16 (local.get $to) (v128.load offset=16 (local.get $from)))
        (v128.store offset=32 (local.get $to) (v128.load offset=32 (local.get $from)))
        (v128.store offset=48 (local.get $to) (v128.load offset=48 (local.get $from)))
        (local.set $from (i32.add (local.get $from) (i32.const 64)))
        (local.set $to (i32.add (local.get $to) (i32.const 64)))
        (br_if $block (i32.ge_u (local.tee $left (i32.sub (local.get $left) (i32.const 64))) (i32.const 64))))
      (block $full (loop $vector
        (br_if $full (i32.le_u (local.get $left) (i32.const 16)))
        (v128.store (local.get $to) (v128.load (local.get $from)))
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (local.set $left (i32.sub (local.get $left) (i32.const 16)))
        (br $vector)))
      (local.set $out (i32.add (local.get $out) (local.get $bytes)))
      (v128.store
        (i32.sub (local.get $out) (i32.const 16))
        (v128.load (i32.sub (i32.add (local.get $from) (local.get $left)) (i32.const 16))))
      (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
      (br_if $row (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  ;; Rows of 16 to 255 bytes: vectors from the start, then one that ends with the row.
  (func $gather_vectors
    (param $src i32) (param $idx i32) (param $n i32) (param $bytes i32) (param $out i32)
    (local $from i32) (local $to i32) (local $last i32) (local $tail i32)
    (local.set $tail (i32.sub (local.get $bytes) (i32.const 16)))
    (loop $row
      (local.set $from (i32.add (local.get $src) (i32.mul (i32.load (local.get $idx)) (local.get $bytes))))
      (local.set $to (local.get $out))
      (local.set $last (i32.add (local.get $from) (local.get $tail)))
      (block $full (loop $vector
        (br_if $full (i32.ge_u (local.get $from) (local.get $last)))
        (v128.store (local.get $to) (v128.load (local.get $from)))
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (br $vector)))
      (v128.store (i32.add (local.get $out) (local.get $tail)) (v128.load (local.get $last)))
      (local.set $out (i32.add (local.get $out) (local.get $bytes)))
      (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
      (br_if $row (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  ;; Rows of 1 to 15 bytes: a power of two in one piece, any other size in two pieces that overlap.
  (func $gather_short
    (param $src i32) (param $idx i32) (param $n i32) (param $bytes i32) (param $out i32)
    (local $from i32) (local $tail i32)
    (block $two_i64 (block $i64 (block $two_i32 (block $i32 (block $three (block $i16 (block $i8
      (br_table $i8 $i8 $i16 $three $i32 $two_i32 $two_i32 $two_i32 $i64 $two_i64 (local.get $bytes)))
      ;; 1 byte
      (loop $row
        (i32.store8 (local.get $out) (i32.load8_u (i32.add (local.get $src) (i32.load (local.get $idx)))))
        (local.set $out (i32.add (local.get $out) (i32.const 1)))
        (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
        (br_if $row (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (return))
      ;; 2 bytes
      (loop $row
        (i32.store16 (local.get $out)
          (i32.load16_u (i32.add (local.get $src) (i32.shl (i32.load (local.get $idx)) (i32.const 1)))))
        (local.set $out (i32.add (local.get $out) (i32.const 2)))
        (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
        (br_if $row (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (return))
      ;; 3 bytes
      (loop $row
        (local.set $from (i32.add (local.get $src) (i32.mul (i32.load (local.get $idx)) (i32.const 3))))
        (i32.store16 (local.get $out) (i32.load16_u (local.get $from)))
        (i32.store8 offset=2 (local.get $out) (i32.load8_u offset=2 (local.get $from)))
        (local.set $out (i32.add (local.get $out) (i32.const 3)))
        (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
        (br_if $row (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (return))
      ;; 4 bytes
      (loop $row
        (i32.store (local.get $out)
          (i32.load (i32.add (local.get $src) (i32.shl (i32.load (local.get $idx)) (i32.const 2)))))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
        (br_if $row (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (return))
      ;; 5 to 7 bytes
      (local.set $tail (i32.sub (local.get $bytes) (i32.const 4)))
      (loop $row
        (local.set $from (i32.add (local.get $src) (i32.mul (i32.load (local.get $idx)) (local.get $bytes))))
        (i32.store (local.get $out) (i32.load (local.get $from)))
        (i32.store (i32.add (local.get $out) (local.get $tail)) (i32.load (i32.add (local.get $from) (local.get $tail))))
        (local.set $out (i32.add (local.get $out) (local.get $bytes)))
        (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
        (br_if $row (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (return))
      ;; 8 bytes
      (loop $row
        (i64.store (local.get $out)
          (i64.load (i32.add (local.get $src) (i32.shl (i32.load (local.get $idx)) (i32.const 3)))))
        (local.set $out (i32.add (local.get $out) (i32.const 8)))
        (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
        (br_if $row (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (return))
    ;; 9 to 15 bytes
    (local.set $tail (i32.sub (local.get $bytes) (i32.const 8)))
    (loop $row
      (local.set $from (i32.add (local.get $src) (i32.mul (i32.load (local.get $idx)) (local.get $bytes))))
      (i64.store (local.get $out) (i64.load (local.get $from)))
      (i64.store (i32.add (local.get $out) (local.get $tail)) (i64.load (i32.add (local.get $from) (local.get $tail))))
      (local.set $out (i32.add (local.get $out) (local.get $bytes)))
      (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
      (br_if $row (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  ;; ---------------------------------------------------------------- variable rows

  ;; measure_ranges(offsets, idx, n): the number of elements in all named rows, as a float64,
  ;; since rows named more than once can add up to more than 32 bits hold.
  (func (export "measure_ranges")
    (param $offsets i32) (param $idx i32) (param $n i32) (result f64)
    (local $entry i32) (local $total i64)
    (block $done (loop $row
      (br_if $done (i32.eqz (local.get $n)))
      (local.set $entry (i32.add (local.get $offsets) (i32.shl (i32.load (local.get $idx)) (i32.const 2))))
      (local.set $total (i64.add (local.get $total)
        (i64.extend_i32_u (i32.sub (i32.load offset=4 (local.get $entry)) (i32.load (local.get $entry))))))
      (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $row)))
    (f64.convert_i64_u (local.get $total)))

  ;; gather_ranges(src, offsets, idx, n, elementBytes, out, outOffsets): row i is the elements
  ;; offsets[i] .. offsets[i + 1] of elementBytes bytes each. Packs the named rows one after another at out,
  ;; writes their n + 1 element offsets, the first of them 0, at outOffsets, and returns the bytes packed
  ;; as a float64 (an i32 would come back signed).
  (func (export "gather_ranges")
    (param $src i32) (param $offsets i32) (param $idx i32) (param $n i32) (param $element_bytes i32)
    (param $out i32) (param $out_offsets i32) (result f64)
    (local $entry i32) (local $start i32) (local $count i32) (local $elements i32) (local $bytes i32) (local $begin i32)
    (local.set $begin (local.get $out))
    (i32.store (local.get $out_offsets) (i32.const 0))
    (block $done (loop $row
      (br_if $done (i32.eqz (local.get $n)))
      (local.set $entry (i32.add (local.get $offsets) (i32.shl (i32.load (local.get $idx)) (i32.const 2))))
      (local.set $start (i32.load (local.get $entry)))
      (local.set $count (i32.sub (i32.load offset=4 (local.get $entry)) (local.get $start)))
      (local.set $bytes (i32.mul (local.get $count) (local.get $element_bytes)))
      (call $copy
        (local.get $out)
        (i32.add (local.get $src) (i32.mul (local.get $start) (local.get $element_bytes)))
        (local.get $bytes))
      (local.set $out (i32.add (local.get $out) (local.get $bytes)))
      (local.set $elements (i32.add (local.get $elements) (local.get $count)))
      (i32.store offset=4 (local.get $out_offsets) (local.get $elements))
      (local.set $out_offsets (i32.add (local.get $out_offsets) (i32.const 4)))
      (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $row)))
    (f64.convert_i32_u (i32.sub (local.get $out) (local.get $begin))))

  ;; Copies one row of any length, without a call out of the module when it is short.
  (func $copy (param $to i32) (param $from i32) (param $bytes i32)
    (local $last i32) (local $tail i32)
    (if (i32.ge_u (local.get $bytes) (global.get $block_limit)) (then
      (memory.copy (local.get $to) (local.get $from) (local.get $bytes))
      (return)))
    (if (i32.ge_u (local.get $bytes) (i32.const 16)) (then
      (local.set $tail (i32.add (local.get $to) (i32.sub (local.get $bytes) (i32.const 16))))
      (local.set $last (i32.add (local.get $from) (i32.sub (local.get $bytes) (i32.const 16))))
      (block $full (loop $vector
        (br_if $full (i32.ge_u (local.get $from) (local.get $last)))
        (v128.store (local.get $to) (v128.load (local.get $from)))
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (br $vector)))
      (v128.store (local.get $tail) (v128.load (local.get $last)))
      (return)))
    (block $done (loop $byte
      (br_if $done (i32.eqz (local.get $bytes)))
      (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (local.set $bytes (i32.sub (local.get $bytes) (i32.const 1)))
      (br $byte))))
)

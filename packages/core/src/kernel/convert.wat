;; Converting gather kernels: the rows named by an index list, in another dtype, as one dense output.
;; Addresses, index lists, tails and trust are as in gather.wat.
(module
  (import "env" "memory" (memory 1))
  ;; Of gather.wat: brings rows into the cache, as many as are converted next.
  (import "gather" "touch" (func $touch (param i32 i32 i32 i32)))

  ;; gather_u8_f32(src, idx, n, elements, out, scale): rows of uint8 to float32, each value times scale
  ;; in one float32 multiplication. Rows of 128 to 4096 bytes are touched before, 8 KiB of them at a time.
  (func (export "gather_u8_f32")
    (param $src i32) (param $idx i32) (param $n i32) (param $elements i32) (param $out i32) (param $scale f32)
    (local $group i32) (local $count i32)
    (if (i32.ge_u (i32.sub (local.get $elements) (i32.const 128)) (i32.const 3969)) (then
      (call $u8_f32
        (local.get $src) (local.get $idx) (local.get $n) (local.get $elements) (local.get $out) (local.get $scale))
      (return)))
    (local.set $group (i32.div_u (i32.const 8192) (local.get $elements)))
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $n)))
      (local.set $count (select (local.get $n) (local.get $group) (i32.lt_u (local.get $n) (local.get $group))))
      (call $touch (local.get $src) (local.get $idx) (local.get $count) (local.get $elements))
      (call $u8_f32
        (local.get $src) (local.get $idx) (local.get $count) (local.get $elements) (local.get $out) (local.get $scale))
      (local.set $idx (i32.add (local.get $idx) (i32.shl (local.get $count) (i32.const 2))))
      (local.set $out (i32.add (local.get $out) (i32.shl (i32.mul (local.get $count) (local.get $elements)) (i32.const 2))))
      (local.set $n (i32.sub (local.get $n) (local.get $count)))
      (br $next))))

  ;; Signed conversion instructions are exact for 0..255, and faster.
  (func $u8_f32
    (param $src i32) (param $idx i32) (param $n i32) (param $elements i32) (param $out i32) (param $scale f32)
    (local $from i32) (local $to i32) (local $last i32) (local $last_to i32) (local $left i32)
    (local $scales v128) (local $bytes v128) (local $low v128) (local $high v128)
    (if (i32.eqz (local.get $elements)) (then (return)))
    (local.set $scales (f32x4.splat (local.get $scale)))
    (block $done (loop $row
      (br_if $done (i32.eqz (local.get $n)))
      (local.set $from (i32.add (local.get $src) (i32.mul (i32.load (local.get $idx)) (local.get $elements))))
      (local.set $to (local.get $out))
      (local.set $out (i32.add (local.get $out) (i32.shl (local.get $elements) (i32.const 2))))
      (if (i32.ge_u (local.get $elements) (i32.const 16))
        (then
          ;; 16 elements at a time; the last 16 end with the row.
          (local.set $last (i32.add (local.get $from) (i32.sub (local.get $elements) (i32.const 16))))
          (local.set $last_to (i32.sub (local.get $out) (i32.const 64)))
          (block $end (loop $vector
            (local.set $bytes (v128.load (local.get $from)))
            (local.set $low (i16x8.extend_low_i8x16_u (local.get $bytes)))
            (local.set $high (i16x8.extend_high_i8x16_u (local.get $bytes)))
            (v128.store (local.get $to)
              (f32x4.mul (local.get $scales) (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_u (local.get $low)))))
            (v128.store offset=16 (local.get $to)
              (f32x4.mul (local.get $scales) (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_u (local.get $low)))))
            (v128.store offset=32 (local.get $to)
              (f32x4.mul (local.get $scales) (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_u (local.get $high)))))
            (v128.store offset=48 (local.get $to)
              (f32x4.mul (local.get $scales) (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_u (local.get $high)))))
            (br_if $end (i32.eq (local.get $from) (local.get $last)))
            (local.set $from (i32.add (local.get $from) (i32.const 16)))
            (local.set $to (i32.add (local.get $to) (i32.const 64)))
            (br_if $vector (i32.le_u (local.get $from) (local.get $last)))
            (local.set $from (local.get $last))
            (local.set $to (local.get $last_to))
            (br $vector))))
        (else
          (local.set $left (local.get $elements))
          (loop $element
            (f32.store (local.get $to)
              (f32.mul (f32.convert_i32_u (i32.load8_u (local.get $from))) (local.get $scale)))
            (local.set $from (i32.add (local.get $from) (i32.const 1)))
            (local.set $to (i32.add (local.get $to) (i32.const 4)))
            (br_if $element (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))
      (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $row))))

  ;; gather_i64_i32(src, idx, n, elements, out): rows of int64 to int32. Returns -1, or the first row k (of the
  ;; n asked for) with a value int32 does not hold; rows from k on are then not valid.
  (func (export "gather_i64_i32")
    (param $src i32) (param $idx i32) (param $n i32) (param $elements i32) (param $out i32) (result i32)
    (local $k i32) (local $from i32) (local $left i32) (local $value i64) (local $excess i64)
    (local $a v128) (local $b v128) (local $low v128) (local $excesses v128)
    (block $done (loop $row
      (br_if $done (i32.eq (local.get $k) (local.get $n)))
      (local.set $from (i32.add (local.get $src)
        (i32.shl (i32.mul (i32.load (local.get $idx)) (local.get $elements)) (i32.const 3))))
      (local.set $left (local.get $elements))
      ;; Four at a time: a value fits when its high word repeats the sign of its low word.
      (block $few (loop $vector
        (br_if $few (i32.lt_u (local.get $left) (i32.const 4)))
        (local.set $a (v128.load (local.get $from)))
        (local.set $b (v128.load offset=16 (local.get $from)))
        (local.set $low (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $a) (local.get $b)))
        (local.set $excesses (v128.or (local.get $excesses) (v128.xor
          (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $a) (local.get $b))
          (i32x4.shr_s (local.get $low) (i32.const 31)))))
        (v128.store (local.get $out) (local.get $low))
        (local.set $from (i32.add (local.get $from) (i32.const 32)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (local.set $left (i32.sub (local.get $left) (i32.const 4)))
        (br $vector)))
      (block $end (loop $element
        (br_if $end (i32.eqz (local.get $left)))
        (local.set $value (i64.load (local.get $from)))
        (local.set $excess (i64.or (local.get $excess)
          (i64.xor (local.get $value) (i64.extend32_s (local.get $value)))))
        (i64.store32 (local.get $out) (local.get $value))
        (local.set $from (i32.add (local.get $from) (i32.const 8)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $element)))
      (if (i32.or (v128.any_true (local.get $excesses)) (i64.ne (local.get $excess) (i64.const 0)))
        (then (return (local.get $k))))
      (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
      (local.set $k (i32.add (local.get $k) (i32.const 1)))
      (br $row)))
    (i32.const -1))

  ;; gather_one_hot_*(src, idx, n, classes, out): one label per row to classes float32, all 0 but a 1 at the label.
  ;; Returns -1, or the first row k (of the n asked for) whose label is not in 0..classes-1; rows from k on
  ;; are then all 0.
  (func (export "gather_one_hot_u8")
    (param $src i32) (param $idx i32) (param $n i32) (param $classes i32) (param $out i32) (result i32)
    (call $one_hot (local.get $src) (local.get $idx) (local.get $n) (local.get $classes) (local.get $out) (i32.const 0)))

  (func (export "gather_one_hot_i32")
    (param $src i32) (param $idx i32) (param $n i32) (param $classes i32) (param $out i32) (result i32)
    (call $one_hot (local.get $src) (local.get $idx) (local.get $n) (local.get $classes) (local.get $out) (i32.const 2)))

  (func (export "gather_one_hot_i64")
    (param $src i32) (param $idx i32) (param $n i32) (param $classes i32) (param $out i32) (result i32)
    (call $one_hot (local.get $src) (local.get $idx) (local.get $n) (local.get $classes) (local.get $out) (i32.const 3)))

  ;; $width is the base-2 logarithm of the bytes of a label: 0, 2 or 3.
  (func $one_hot
    (param $src i32) (param $idx i32) (param $n i32) (param $classes i32) (param $out i32) (param $width i32) (result i32)
    (local $k i32) (local $from i32) (local $label i64) (local $row_bytes i32)
    (local.set $row_bytes (i32.shl (local.get $classes) (i32.const 2)))
    (memory.fill (local.get $out) (i32.const 0) (i32.mul (local.get $n) (local.get $row_bytes)))
    (block $done (loop $row
      (br_if $done (i32.eq (local.get $k) (local.get $n)))
      (local.set $from (i32.add (local.get $src) (i32.shl (i32.load (local.get $idx)) (local.get $width))))
      (block $loaded (block $i64 (block $i32 (block $u8
        (br_table $u8 $u8 $i32 $i64 (local.get $width)))
        (local.set $label (i64.load8_u (local.get $from)))
        (br $loaded))
        (local.set $label (i64.load32_s (local.get $from)))
        (br $loaded))
        (local.set $label (i64.load (local.get $from))))
      ;; Unsigned: a negative label is above every class.
      (if (i64.ge_u (local.get $label) (i64.extend_i32_u (local.get $classes))) (then (return (local.get $k))))
      (f32.store
        (i32.add (local.get $out) (i32.shl (i32.wrap_i64 (local.get $label)) (i32.const 2)))
        (f32.const 1))
      (local.set $out (i32.add (local.get $out) (local.get $row_bytes)))
      (local.set $idx (i32.add (local.get $idx) (i32.const 4)))
      (local.set $k (i32.add (local.get $k) (i32.const 1)))
      (br $row)))
    (i32.const -1))
)

(module
  (type $t0 (func (param i32 i32 i32) (result i64)))
  (type $t1 (func (param i32 i32) (result i32)))
  (import "env" "memory" (memory $env.memory 1 65536))
  (import "env" "table" (table $env.table 0 funcref))
  (func $p1 (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i64)
    (local $l3 i64) (local $l4 i64) (local $l5 i64) (local $l6 i64) (local $l7 i64) (local $l8 i64) (local $l9 i64) (local $l10 i64) (local $l11 i64) (local $l12 i64) (local $l13 i32) (local $l14 i32) (local $l15 i32) (local $l16 i64) (local $l17 i64) (local $l18 i32) (local $l19 i32) (local $l20 v128) (local $l21 v128)
    (local.set $l13
      (i32.sub
        (local.get $p1)
        (i32.const 8)))
    (local.set $l4
      (i64.extend_i32_u
        (local.get $p0)))
    (local.set $l5
      (i64.load32_u align=1
        (i32.wrap_i64
          (local.get $l4))))
    (local.set $l3
      (i64.extend_i32_u
        (i32.const 0)))
    (local.set $l6
      (i64.const 0))
    (local.set $l16
      (i64.shr_u
        (i64.sub
          (i64.const 512)
          (i64.add
            (i64.const 2)
            (local.get $l6)))
        (i64.const 1)))
    (block $B0
      (br_if $B0
        (i64.le_u
          (local.get $l16)
          (i64.const 16)))
      (local.set $l16
        (i64.shr_u
          (i64.sub
            (local.get $l16)
            (i64.const 1))
          (i64.const 4)))
      (local.set $l16
        (select
          (local.tee $l17
            (i64.const 1048576))
          (local.get $l16)
          (i64.lt_u
            (local.get $l17)
            (local.get $l16))))
      (local.set $l21
        (v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000))
      (local.set $l19
        (i32.wrap_i64
          (i64.add
            (local.get $l5)
            (local.get $l6))))
      (local.set $l18
        (i32.add
          (local.get $l19)
          (i32.mul
            (i32.wrap_i64
              (local.get $l16))
            (i32.const 32))))
      (loop $L1
        (local.set $l21
          (i32x4.add
            (local.get $l21)
            (i32x4.extadd_pairwise_i16x8_u
              (v128.load align=1
                (local.get $l19)))))
        (local.set $l21
          (i32x4.add
            (local.get $l21)
            (i32x4.extadd_pairwise_i16x8_u
              (v128.load offset=16 align=1
                (local.get $l19)))))
        (local.set $l19
          (i32.add
            (local.get $l19)
            (i32.const 32)))
        (br_if $L1
          (i32.ne
            (local.get $l19)
            (local.get $l18))))
      (local.set $l3
        (i64.extend_i32_u
          (i32.add
            (i32.add
              (i32.add
                (i32.add
                  (i32.wrap_i64
                    (local.get $l3))
                  (i32x4.extract_lane 0
                    (local.get $l21)))
                (i32x4.extract_lane 1
                  (local.get $l21)))
              (i32x4.extract_lane 2
                (local.get $l21)))
            (i32x4.extract_lane 3
              (local.get $l21)))))
      (local.set $l6
        (i64.add
          (local.get $l6)
          (i64.mul
            (local.get $l16)
            (i64.const 32)))))
    (loop $L2
      (block $B3
        (local.set $l7
          (local.get $l5))
        (local.set $l7
          (i64.add
            (local.get $l7)
            (local.get $l6)))
        (local.set $l7
          (i64.load16_u align=1
            (i32.wrap_i64
              (local.get $l7))))
        (local.set $l3
          (i64.extend_i32_u
            (i32.add
              (i32.wrap_i64
                (local.get $l3))
              (i32.wrap_i64
                (local.get $l7)))))
        (local.set $l6
          (i64.add
            (local.get $l6)
            (i64.const 2)))
        (br_if $B3
          (i32.eqz
            (i64.ne
              (local.get $l6)
              (i64.const 512))))
        (local.set $l7
          (local.get $l5))
        (local.set $l7
          (i64.add
            (local.get $l7)
            (local.get $l6)))
        (local.set $l7
          (i64.load16_u align=1
            (i32.wrap_i64
              (local.get $l7))))
        (local.set $l3
          (i64.extend_i32_u
            (i32.add
              (i32.wrap_i64
                (local.get $l3))
              (i32.wrap_i64
                (local.get $l7)))))
        (local.set $l6
          (i64.add
            (local.get $l6)
            (i64.const 2)))
        (br_if $B3
          (i32.eqz
            (i64.ne
              (local.get $l6)
              (i64.const 512))))
        (local.set $l7
          (local.get $l5))
        (local.set $l7
          (i64.add
            (local.get $l7)
            (local.get $l6)))
        (local.set $l7
          (i64.load16_u align=1
            (i32.wrap_i64
              (local.get $l7))))
        (local.set $l3
          (i64.extend_i32_u
            (i32.add
              (i32.wrap_i64
                (local.get $l3))
              (i32.wrap_i64
                (local.get $l7)))))
        (local.set $l6
          (i64.add
            (local.get $l6)
            (i64.const 2)))
        (br_if $B3
          (i32.eqz
            (i64.ne
              (local.get $l6)
              (i64.const 512))))
        (local.set $l7
          (local.get $l5))
        (local.set $l7
          (i64.add
            (local.get $l7)
            (local.get $l6)))
        (local.set $l7
          (i64.load16_u align=1
            (i32.wrap_i64
              (local.get $l7))))
        (local.set $l3
          (i64.extend_i32_u
            (i32.add
              (i32.wrap_i64
                (local.get $l3))
              (i32.wrap_i64
                (local.get $l7)))))
        (local.set $l6
          (i64.add
            (local.get $l6)
            (i64.const 2)))
        (br_if $L2
          (i64.ne
            (local.get $l6)
            (i64.const 512)))
        (br $B3))
      (i32.store offset=66560
        (i32.const 0)
        (local.get $p2))
      (return
        (local.get $l3)))
    (unreachable))
  (func $e1 (type $t1) (param $p0 i32) (param $p1 i32) (result i32)
    (local $l2 i64)
    (local.set $l2
      (call $p1
        (local.get $p0)
        (local.get $p1)
        (i32.const 0)))
    (i32.store offset=66600
      (i32.const 0)
      (i32.wrap_i64
        (i64.shr_u
          (local.get $l2)
          (i64.const 32))))
    (i32.wrap_i64
      (local.get $l2)))
  (export "p1" (func $p1))
  (export "e1" (func $e1)))

(module
  (type $t0 (func (param i32 i32 i32) (result i64)))
  (type $t1 (func (param i32 i32) (result i32)))
  (import "env" "memory" (memory $env.memory 1 65536))
  (import "env" "table" (table $env.table 0 funcref))
  (func $p1 (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i64)
    (local $l3 i64) (local $l4 i64) (local $l5 i64) (local $l6 i64) (local $l7 i64) (local $l8 i64) (local $l9 i64) (local $l10 i64) (local $l11 i64) (local $l12 i64) (local $l13 i32) (local $l14 i32) (local $l15 i32) (local $l16 i32) (local $l17 i32)
    (local.set $l13
      (i32.sub
        (local.get $p1)
        (i32.const 8)))
    (local.set $l4
      (i64.extend_i32_u
        (local.get $p0)))
    (local.set $l6
      (i64.load32_u offset=16 align=1
        (i32.wrap_i64
          (local.get $l4))))
    (local.set $l5
      (i64.const 4096))
    (local.set $l16
      (i32.wrap_i64
        (local.get $l6)))
    (if $I1
      (block $B0 (result i32)
        (br_if $B0
          (br_if $B0
            (i32.const 0)
            (i32.ge_u
              (local.get $l16)
              (i32.const 4)))
          (i32.ge_u
            (local.get $p2)
            (i32.const 33)))
        (local.set $l17
          (i32.load
            (i32.add
              (i32.load offset=40
                (i32.const 4096))
              (i32.shl
                (local.get $l16)
                (i32.const 2)))))
        (i32.eqz
          (local.get $l17))
        (drop
          (br_if $B0))
        (local.set $p2
          (i32.add
            (local.get $p2)
            (i32.const 1)))
        (i32.const 1))
      (then
        (block $B2
          (block $B3
            (br_table $B2 $B3 $B2 $B2 $B2
              (local.get $l16)))
          (br_if $B2
            (i32.eqz
              (i32.eq
                (local.get $l17)
                (i32.const 2))))
          (local.set $l4
            (i64.extend_i32_u
              (local.get $p0)))
          (local.set $l13
            (i32.sub
              (local.get $p1)
              (i32.const 8)))
          (local.set $l3
            (i64.const 7))
          (i32.store offset=66560
            (i32.const 0)
            (local.get $p2))
          (return
            (local.get $l3)))
        (return_call_indirect (type $t0)
          (local.get $p0)
          (local.get $p1)
          (local.get $p2)
          (local.get $l17)))
      (else
        (local.set $l3
          (i64.const 0))
        (i32.store offset=66560
          (i32.const 0)
          (local.get $p2))
        (return
          (local.get $l3))))
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
  (func $p2 (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i64)
    (local $l3 i64) (local $l4 i64) (local $l5 i64) (local $l6 i64) (local $l7 i64) (local $l8 i64) (local $l9 i64) (local $l10 i64) (local $l11 i64) (local $l12 i64) (local $l13 i32) (local $l14 i32) (local $l15 i32)
    (local.set $l13
      (i32.sub
        (local.get $p1)
        (i32.const 8)))
    (local.set $l4
      (i64.extend_i32_u
        (local.get $p0)))
    (local.set $l3
      (i64.const 7))
    (i32.store offset=66560
      (i32.const 0)
      (local.get $p2))
    (return
      (local.get $l3))
    (unreachable))
  (func $e2 (type $t1) (param $p0 i32) (param $p1 i32) (result i32)
    (local $l2 i64)
    (local.set $l2
      (call $p2
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
  (export "e1" (func $e1))
  (export "p2" (func $p2))
  (export "e2" (func $e2)))

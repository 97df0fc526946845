(module
  (type $t0 (func (param i32 i32 i32) (result i64)))
  (type $t1 (func (param i64 i64 i64 i64 i64 i32) (result i64)))
  (type $t2 (func (param i32 i32) (result i32)))
  (import "env" "memory" (memory $env.memory 1 65536))
  (import "env" "table" (table $env.table 0 funcref))
  (func $p1 (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i64)
    (local $l3 i64) (local $l4 i64) (local $l5 i64) (local $l6 i64) (local $l7 i64) (local $l8 i64) (local $l9 i64) (local $l10 i64) (local $l11 i64) (local $l12 i64) (local $l13 i32) (local $l14 i32) (local $l15 i32) (local $l16 i64) (local $l17 i64) (local $l18 i64) (local $l19 i64) (local $l20 i64) (local $l21 i64) (local $l22 i64) (local $l23 i64) (local $l24 i64) (local $l25 i64) (local $l26 i32) (local $l27 i64)
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
    (local.set $l4
      (local.get $l5))
    (local.set $l17
      (local.get $l4))
    (local.set $l18
      (local.get $l5))
    (local.set $l19
      (local.get $l6))
    (local.set $l20
      (local.get $l7))
    (local.set $l21
      (local.get $l8))
    (local.set $l26
      (i32.sub
        (local.get $l13)
        (i32.const 8)))
    (local.set $l27
      (local.get $l17))
    (local.set $l16
      (local.get $l27))
    (local.set $l3
      (local.get $l16))
    (local.set $l3
      (i64.add
        (local.get $l3)
        (i64.const 1)))
    (i32.store offset=66560
      (i32.const 0)
      (local.get $p2))
    (return
      (local.get $l3))
    (unreachable))
  (func $f1 (type $t1) (param $p0 i64) (param $p1 i64) (param $p2 i64) (param $p3 i64) (param $p4 i64) (param $p5 i32) (result i64)
    (local $l6 i64) (local $l7 i64) (local $l8 i64) (local $l9 i64) (local $l10 i64) (local $l11 i32) (local $l12 i64) (local $l13 i32) (local $l14 i32)
    (local.set $l11
      (i32.sub
        (local.get $p5)
        (i32.const 8)))
    (local.set $l12
      (local.get $p0))
    (local.set $l6
      (local.get $l12))
    (return
      (local.get $l6))
    (unreachable))
  (func $e1 (type $t2) (param $p0 i32) (param $p1 i32) (result i32)
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

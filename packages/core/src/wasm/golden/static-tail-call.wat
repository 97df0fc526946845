(module
  (type $t0 (func (param i32 i32 i32) (result i64)))
  (type $t1 (func (param i32 i32) (result i32)))
  (import "env" "memory" (memory $env.memory 1 65536))
  (import "env" "table" (table $env.table 0 funcref))
  (func $p1 (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i64)
    (local $l3 i64) (local $l4 i64) (local $l5 i64) (local $l6 i64) (local $l7 i64) (local $l8 i64) (local $l9 i64) (local $l10 i64) (local $l11 i64) (local $l12 i64) (local $l13 i32) (local $l14 i32) (local $l15 i32)
    (local.set $l13
      (i32.sub
        (local.get $p1)
        (i32.const 8)))
    (local.set $l4
      (i64.extend_i32_u
        (local.get $p0)))
    (local.set $l5
      (i64.const 4096))
    (local.set $l6
      (i64.const 1))
    (if $I0
      (i32.and
        (i32.eq
          (i32.load offset=4
            (i32.load offset=40
              (i32.const 4096)))
          (i32.const 2))
        (i32.lt_u
          (local.get $p2)
          (i32.const 33)))
      (then
        (local.set $p2
          (i32.add
            (local.get $p2)
            (i32.const 1)))
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
      (else
        (block $B1
          (if $I2
            (i32.ge_u
              (local.get $p2)
              (i32.const 33))
            (then
              (br $B1)))
          (if $I3
            (i32.eqz
              (local.tee $l14
                (i32.load offset=4
                  (i32.load offset=40
                    (i32.const 4096)))))
            (then
              (br $B1)))
          (local.set $p2
            (i32.add
              (local.get $p2)
              (i32.const 1)))
          (return_call_indirect (type $t0)
            (local.get $p0)
            (local.get $p1)
            (local.get $p2)
            (local.get $l14)))
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

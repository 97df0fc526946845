# The maps that the programs of data/ name. Every program gets a new prog array: its first user owns it.
.struct bpf_spin_lock { u32 val }
.struct bpf_timer { u64[2] opaque }
.struct locked { u64 count, bpf_spin_lock lock, u32 rest }
.struct timed { u64 count, bpf_timer timer }
.struct v16 { u64 a, u64 b }
.struct v48 { u64[6] a }
.struct v40 { u64[5] a }
.struct cgroup_key { u64 cgroup, u32 attach }
.struct lpm_key { u32 length, u32 address }

.map array16 type=array value=v16 max_entries=4
.map array48 type=array value=v48 max_entries=2
.map one48 type=array value=v48 max_entries=1
.map array1 type=array value=u8 max_entries=1
.map hash8 type=hash key=u32 value=u64 max_entries=16
.map hash16 type=hash key=u64 value=v16 max_entries=16
.map hash48 type=hash key=u64 value=v48 max_entries=16 flags=no_prealloc
.map lru16 type=lru_hash key=u32 value=v16 max_entries=16
.map percpu_array16 type=percpu_array value=v16 max_entries=4
.map percpu_hash16 type=percpu_hash key=u32 value=v16 max_entries=16
.map lpm8 type=lpm_trie key=lpm_key value=u64 max_entries=16 flags=no_prealloc
.map queue8 type=queue value=u64 max_entries=16
.map stack8 type=stack value=u64 max_entries=16
.map bloom8 type=bloom_filter value=u64 max_entries=16
.map rdonly16 type=array value=v16 max_entries=1 flags=rdonly_prog
.map wronly16 type=array value=v16 max_entries=1 flags=wronly_prog
.map locked_array type=array value=locked max_entries=1
.map locked_hash type=hash key=u32 value=locked max_entries=16
.map timed_array type=array value=timed max_entries=1
.map jumps type=prog_array max_entries=4
.map events type=perf_event_array
.map ring type=ringbuf max_entries=4096
.map user_ring type=user_ringbuf max_entries=4096
.map devs type=devmap key=u32 value=u32 max_entries=4
.map devs_hash type=devmap_hash key=u32 value=u32 max_entries=4
.map cpus type=cpumap key=u32 value=u32 max_entries=4
.map xsks type=xskmap key=u32 value=u32 max_entries=4
.map socks type=sockmap key=u32 value=u32 max_entries=4
.map socks_hash type=sockhash key=u32 value=u32 max_entries=4
.map reuse type=reuseport_sockarray key=u32 value=u64 max_entries=4
.map storage type=sk_storage key=u32 value=u64 flags=no_prealloc
.map cgroups type=cgroup_array max_entries=1
.map outer_array type=array_of_maps max_entries=2 inner=array16
.map outer_hash type=hash_of_maps key=u32 max_entries=2 inner=hash16
.map cgroup_store type=cgroup_storage key=cgroup_key value=u64 max_entries=0
.map percpu_cgroup_store type=percpu_cgroup_storage key=cgroup_key value=u64 max_entries=0
.map stacks type=stack_trace key=u32 value=u64[16] max_entries=4

.section .rodata
consts: .long 1, 2, 3, 255, 0x10000, 0xffffffff

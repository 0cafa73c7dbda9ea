/* commit.pml - the commit protocol of pipeline/commitlog, one partition, explored by spin.
 *
 * Positions 0..N-1; an even one is a train record, an odd one a test record, so a segment [f,n) has up to two files, and
 * segments with the same f and different n may share ONE of their files (the literal same name).
 * A file name is (sink s, first f, c), c = 1 + last position of s in [f,n): the content, canonically.
 * Every `STEP` is one atomic action on storage; between any two of them a process may pause for ever, crash, lose power.
 *
 * Parameters  -DN=3 -DW=2 (workers) -DPIPE (a worker writes its next segment before the first one is committed)
 *   -DPUBLISH   files stay hidden (dot name) until a record names them; anyone who reads a record rolls the rename forward
 *   -DASYNC     object store: a PUT may time out and land at any later time, also after its sender's death
 *   -DPOWER     one power loss: all processes die, any subset of the directory entries not yet fsynced vanishes
 *   -DCKPT      a compactor publishes a checkpoint of a prefix (and leaves the keys)
 *   -DLIVE      liveness: worker 0 stops crashing at some time, all others may stop for ever
 *   -DGLOB      a reader of the sealed dataset globs the visible names instead of using the list
 * Broken variants: -DBUG_x, see run.sh.
 */
#ifndef N
#define N 3
#endif
#ifndef W
#define W 2
#endif
#define NONE 15
#define CANON(s,f,n)  (((n)-1)%2==(s) -> (n) : ((n)-2>=(f) -> (n)-1 : 0))     /* needs n>f */
#define BIT(s,f,c)    (1<<(((s)*N+(f))*N+(c)-1))
#define FBIT(s,f,n)   (CANON(s,f,n) -> BIT(s,f,CANON(s,f,n)) : 0)
#define MASK(f,n)     (FBIT(0,f,n)|FBIT(1,f,n))
#define SINK(s)       (((1<<(N*N))-1)<<((s)*N*N))

/* ---- storage ---- */
int  hid;                      /* durable-content files under a hidden name (PUBLISH only) */
int  vis;                      /* files under their visible name */
byte rNext[N];                 /* commit record of key f: its `next`; 0 = key absent */
byte rW[N], rPK[N], rPW[N];    /* its writer, and the hash of its predecessor = (key, writer) */
byte ckNext;                   /* checkpoint: stands for the records before this position */
byte ckK, ckW;                 /* hash of the last record that it stands for */
byte ckOf[N];                  /* the records it holds */
int  list; bit sealed;         /* the sealed dataset */
byte epoch;                    /* number of power losses */
byte inc;                      /* number of re-creations of the folder */
bit  stable;                   /* LIVE: worker 0 crashes no more */
#ifdef POWER
int hidD, visD; byte rD;       /* what is durable: names, keys */
#endif
#ifdef ASYNC
byte aN[W], aF[W], aPK[W], aPW[W];   /* a PUT on its way */
#endif
#ifdef BUG_CFG
byte cfg = NONE;
#endif
/* ---- ghosts: the truth ---- */
int  committed; byte gEnd, gK=NONE, gW;

#ifdef BUG_RECREATE
#define RUNOK (true)
#else
#define RUNOK (myrun==inc)     /* run id in every key and name: a zombie of another run touches nothing of this one */
#endif
#ifdef LIVE
#define me (_pid-1)            /* the never claim takes process number 0 */
#else
#define me _pid
#endif
#define ALIVE (ep==epoch)
#ifdef LIVE
#define DIE ((me!=0) || !stable || !ALIVE)
#else
#define DIE (true)
#endif
#define STEP(A) if :: atomic{ ALIVE -> A } :: atomic{ DIE -> goto start } fi
#ifdef PUBLISH
#define HAVE (hid|vis)
#else
#define HAVE vis
#endif
#define INV assert((committed & ~(HAVE))==0); assert(!sealed || (list & ~vis)==0); assert(!sealed || (list & ~committed)==0); ONLY

#ifdef POWER
#define DURABLE for (i : 0 .. N-1) { if :: rNext[i]!=0 -> rD=rD|(1<<i) :: else fi }; i=0
#endif
#ifdef PUBLISH
#define ADD(m) hid=hid|(m)
#else
#define ADD(m) vis=vis|(m)
#endif
#define SYNC(s_) hidD=hidD|((hid|vis)&SINK(s_)); visD=visD|(vis&SINK(s_))
#define REN(m) assert((m)==0 || ((hid|vis)&(m))!=0); vis=vis|(m); hid=hid&~(m)
#define UNLINK(m) hid=hid&~(m); PVIS(m); INV
#ifdef PUBLISH
#define PVIS(m) skip                               /* nobody ever deletes a visible file */
#else
#define PVIS(m) vis=vis&~(m)
#endif

#ifdef PUBLISH
#define ONLY assert((vis & ~committed)==0)          /* nothing visible is uncommitted, ever */
#else
#define ONLY skip
#endif
/* the atomic effect of a put-if-absent that found the key absent */
inline land(f_,n_,pk_,pw_,w_) {
	rNext[f_]=n_; rW[f_]=w_; rPK[f_]=pk_; rPW[f_]=pw_;
	assert(f_==gEnd);                              /* tiles: no gap, no overlap */
	assert(pk_==gK && pw_==gW);                    /* the hash links */
	gEnd=n_; gK=f_; gW=w_; committed=committed|MASK(f_,n_);
	INV
}

#ifdef POWER
#ifdef PUBLISH
#define clearD(m) hidD=hidD&~(m)
#else
#define clearD(m) hidD=hidD&~(m); visD=visD&~(m)
#endif
#else
#define clearD(m) skip
#endif
/* Walk the chain by key: e ends at its end, (pk,pw) is the hash of its last record. One atomic step: as keys never vanish and
   records never change, a walk in many steps gives what an atomic one gives at its last step. (Not so for BUG_CKPT_DELETES.) */
inline walk() {
	if
	:: atomic{ ALIVE -> e=ckNext; pk=(ckNext->ckK:NONE); pw=(ckNext->ckW:0);
#ifdef BUG_CKPT_DELETES
	}
#endif
	do
	:: e<N && RUNOK && rNext[e]!=0 && rNext[e]<=N -> assert(rPK[e]==pk && rPW[e]==pw); pk=e; pw=rW[e]; e=rNext[e]
	:: else -> break
	od
#ifndef BUG_CKPT_DELETES
	}
#endif
	:: atomic{ DIE -> goto start }
	fi;
#ifdef POWER
#ifndef BUG_NO_FSYNC_AFTER_READ
	STEP(DURABLE)
#endif
#endif
}

#ifdef BUG_SKIP_EXISTING
#define OLD(s_,f_,n_) old=((HAVE & FBIT(s_,f_,n_))!=0);
#else
#define OLD(s_,f_,n_)
#endif
/* write one file: temp (private, unnamed here), fsync, rename to the content name, fsync the folder */
inline store(s_,f_,n_) {
	if
	:: CANON(s_,f_,n_)!=0 ->
		STEP(OLD(s_,f_,n_) if :: RUNOK -> ADD(FBIT(s_,f_,n_)) :: else fi);
#ifdef POWER
#if defined(BUG_SKIP_EXISTING)
		if :: old -> skip :: else -> STEP(SYNC(s_)) fi;
#elif !defined(BUG_NO_DIR_FSYNC)
		STEP(SYNC(s_))
#endif
#endif
	:: else
	fi
}

#define NX(f_) (rNext[f_]!=0 -> rNext[f_] : ckOf[f_])     /* what stands at key f_, by its record or by the checkpoint */
#if defined(BUG_ABORT)||defined(BUG_LOSER_UNDECIDED)||defined(BUG_TIMEOUT_DELETES)||defined(BUG_409)
#define LOOK(s_,f_,n_) (NX(f_)==0 || CANON(s_,f_,NX(f_))!=CANON(s_,f_,n_))    /* broken: "no record names it", yet */
#else
#define LOOK(s_,f_,n_) (NX(f_)!=0 && CANON(s_,f_,NX(f_))!=CANON(s_,f_,n_))    /* the record of f_ is there and names others */
#endif
/* delete my file of sink s_, segment [f_,n_): the look and the deletion are two steps */
inline drop(s_,f_,n_) {
	if
	:: CANON(s_,f_,n_)!=0 && LOOK(s_,f_,n_) ->
		STEP(if :: RUNOK -> UNLINK(FBIT(s_,f_,n_)); clearD(FBIT(s_,f_,n_)) :: else fi)
	:: else
	fi
}
/* roll forward: rename hidden -> visible for a committed record; idempotent */
#ifdef PUBLISH
#define publish(f_,n_) STEP(if :: RUNOK -> REN(FBIT(0,f_,n_)); INV :: else fi); STEP(if :: RUNOK -> REN(FBIT(1,f_,n_)); INV :: else fi)
#else
#define publish(f_,n_) skip
#endif

active [W] proctype worker() {
	byte e, pk, pw, f, n, n2, i, ep, myrun; bit old, second;
#ifdef BUG_CFG
	bit mycfg = me%2, checked;
#endif
start:	atomic{ assert(me<W); ep=epoch; e=0; pk=0; pw=0; f=0; n=0; n2=0; i=0; old=0; second=0; myrun=inc }
	if :: true :: me!=0 -> goto dead fi;         /* may stop for ever */
again:	walk();
#ifdef PUBLISH
	/* whoever reads the chain rolls its last record forward (the ones before were rolled forward by its writer's reading) */
	if :: pk!=NONE -> f=pk; n=e; publish(f,n); f=0; n=0 :: else fi;
#endif
#ifdef BUG_CFG
	/* a config check at the start only */
	if :: !checked && cfg!=NONE && cfg!=mycfg -> goto dead :: else -> checked=1 fi;
#endif
	if :: e==N -> goto dead :: else fi;
#ifdef BUG_GENESIS
	/* an empty chain: each worker takes the start that it sees (earliest after retention, latest, first record read) */
	if :: e==0 && pk==NONE -> e=1 :: true fi;
#endif
	atomic{ f=e; if :: n=f+1 :: f+2<=N -> n=f+2 :: f+3<=N -> n=f+3 :: f+4<=N -> n=f+4
#ifdef BUG_EMPTY
	:: me!=0 -> n=f
#endif
	fi;
#ifdef PIPE
	if :: n2=0 :: n+1<=N -> n2=n+1 :: n+2<=N -> n2=n+2 fi;
#endif
	e=0 }
#ifdef BUG_EMPTY
	if :: n==f -> STEP(if :: rNext[f]==0 -> rNext[f]=N+1 :: else fi); goto start :: else fi;   /* an idle timer's empty segment [f,f) */
#endif
	store(0,f,n); store(1,f,n);
	if :: n2!=0 -> store(0,n,n2); store(1,n,n2) :: else fi;
#ifdef BUG_ABORT
	if :: true :: drop(0,f,n); drop(1,f,n); goto again fi;     /* drained, or the partition revoked: tidy up my files */
#endif
#ifdef BUG_PIPE_ORDER
	if :: n2!=0 -> STEP(if :: rNext[n]==0 -> land(n,n2,f,me,me) :: else fi) :: else fi;
#endif
commit:
#ifdef BUG_PUT_CHECK
	/* put-if-absent as check, then rename over */
	if :: rNext[f]!=0 -> goto lost :: else fi;
	STEP(land(f,n,pk,pw,me)); goto won;
#endif
	if
	:: atomic{ ALIVE && RUNOK && rNext[f]==0 -> land(f,n,pk,pw,me);
#ifdef BUG_CFG
		assert(cfg==NONE || cfg==mycfg); cfg=mycfg;
#endif
		if :: goto won :: goto lost fi }           /* lost: the answer got lost, the client's retry says "exists" */
	:: atomic{ ALIVE && RUNOK && rNext[f]!=0 -> goto lost }
	:: atomic{ ALIVE && !RUNOK -> goto start }
#ifdef BUG_409
	:: atomic{ ALIVE && RUNOK && rNext[f]==0 -> goto lost }    /* an S3 409 (conflict, nothing landed) taken for "exists" */
#endif
#ifdef ASYNC
	:: atomic{ aN[me]==0 && ALIVE -> aN[me]=n; aF[me]=f; aPK[me]=pk; aPW[me]=pw }   /* timed out: unknown */
#ifdef BUG_TIMEOUT_DELETES
		drop(0,f,n); drop(1,f,n);
#endif
		goto start
#endif
	:: atomic{ DIE -> goto start }
	fi;
won:
#ifdef POWER
	STEP(DURABLE);
#endif
	publish(f,n);
	if                                                      /* here: acknowledge upstream */
	:: n2!=0 -> atomic{ pk=f; pw=me; f=n; n=n2; n2=0; second=1; goto commit }
	:: else -> goto start
	fi;
lost:	/* key f is decided for ever, so what its record does not name is garbage for ever. My files behind f are NOT mine to
	   delete: their positions are open, and another worker may be about to commit the very same names. */
#ifdef BUG_LOSER_ALL
	STEP(UNLINK(MASK(f,n)));
#endif
	drop(0,f,n); drop(1,f,n);
#ifdef BUG_LOSER_UNDECIDED
	if :: n2!=0 -> drop(0,n,n2); drop(1,n,n2) :: else fi;
#endif
#ifdef BUG_PIPE_CONT
	if :: n2!=0 -> atomic{ pk=f; pw=me; f=n; n=n2; n2=0; goto commit } :: else fi;
#endif
	goto start;
dead:	atomic{ e=0; pk=0; pw=0; f=0; n=0; n2=0 }
endw:	if :: ep!=epoch -> goto start fi                    /* after a power loss all start anew */
}

/* Anybody's garbage collection, for ever. It knows only what it has read. */
#ifndef NOGC
active proctype gc() {
	byte e, pk, pw, i, ep, myrun, f, c; bit s; byte seen[N];
start:	atomic{ ep=epoch; e=0; pk=0; pw=0; i=0; f=0; c=0; s=0; myrun=inc }
end:
	if :: true fi;
#ifdef BUG_GC_LIST
	do :: i<N -> STEP(seen[i]=rNext[i]; e=(seen[i]>e -> seen[i] : e); i++) :: else -> i=0; break od;
#else
	walk();
#endif
	/* pick a file of a position before e that the record of its key does not name */
	atomic{ do :: f<N-1 -> f++ :: break od; do :: c<N-1 -> c++ :: break od; c++; if :: s=0 :: s=1 fi;
#ifdef BUG_GC_ALL
	e=N;
#endif
	if
#ifdef PUBLISH
	:: f<e && (hid & BIT(s,f,c))!=0 && (vis & BIT(s,f,c))!=0 -> skip    /* a second copy of a published file */
#endif
#ifdef BUG_GC_LIST
	:: f<e && (HAVE & BIT(s,f,c))!=0 && (seen[f]==0 || CANON(s,f,seen[f])!=c)
#else
	:: f<e && (HAVE & BIT(s,f,c))!=0 && (NX(f)==0 || CANON(s,f,NX(f))!=c)
#endif
	:: else -> for (i : 0 .. N-1) { seen[i]=0 }; i=0; goto start
	fi;
	e=0; pk=0; pw=0; for (i : 0 .. N-1) { seen[i]=0 }; i=0 }
#if defined(PUBLISH) && !defined(BUG_GC_SECOND)
	/* a second copy of a published file goes forward like the first one: deleted, it could be the only durable one */
	if :: NX(f)!=0 && CANON(s,f,NX(f))==c -> publish(f,NX(f));
#ifdef POWER
		STEP(SYNC(s));
#endif
		goto start
	:: else fi;
#endif
	STEP(if :: RUNOK -> UNLINK(BIT(s,f,c)); clearD(BIT(s,f,c)) :: else fi);
	goto start
}
#endif

/* Seal: walk to the planned end, roll forward, name the files, publish the metadata. */
#ifndef NOSEAL
active proctype seal() {
	byte e, pk, pw, i, ep, myrun; int l;
start:	atomic{ ep=epoch; e=0; pk=0; pw=0; i=0; l=0; myrun=inc }
end:	gEnd==N;
	walk();
	if :: e<N -> goto start :: else fi;
	e=0;
	do
	:: e<N -> atomic{ i=NX(e); if :: i==0 -> e=0; goto start :: else fi }
		publish(e,i); atomic{ l=l|MASK(e,i); e=i; i=0 }
	:: else -> break
	od;
#ifdef POWER
	STEP(SYNC(0); SYNC(1));
#endif
	STEP(list=l; sealed=1; assert(list==committed); INV; l=0; e=0; pk=0; pw=0);
endx:	if
#ifdef GLOB
	:: atomic{ (vis & ~list)!=0 -> assert(false) }          /* a reader that globs would load an uncommitted file */
#endif
	:: ep!=epoch -> goto start
	fi
}
#endif

#ifdef CKPT
active proctype compact() {
	byte e, pk, pw, i, ep, myrun;
start:	atomic{ ep=epoch; e=0; pk=0; pw=0; i=0; myrun=inc }
end:	gEnd>0;
	walk();
	if :: e>ckNext -> atomic{ for (i : 0 .. N-1) { if :: i<e && rNext[i]!=0 -> ckOf[i]=rNext[i] :: else fi }; i=0; ckNext=e; ckK=pk; ckW=pw } :: else fi;
#ifdef BUG_CKPT_DELETES
	do :: i<e -> STEP(rNext[i]=0; i++) :: else -> break od;
#endif
	goto start
}
#endif

#ifdef ASYNC
active proctype net() {
	byte i;
end:	do
	:: atomic{ i<W && aN[i]!=0 -> if :: rNext[aF[i]]==0 -> land(aF[i],aN[i],aPK[i],aPW[i],i) :: else fi; aN[i]=0; aF[i]=0; aPK[i]=0; aPW[i]=0 }
	:: atomic{ i=(i+1)%W }
	od
}
#endif

#ifdef POWER
active proctype power() {
	byte i, x;
end:	atomic{
	true; epoch++;
	i=0; do :: i<2*N*N ->
		if :: (hid&(1<<i))!=0 && (hidD&(1<<i))==0 -> if :: hid=hid&~(1<<i) :: true fi :: else fi;
		if :: (vis&(1<<i))!=0 && (visD&(1<<i))==0 -> if :: vis=vis&~(1<<i);
#ifdef PUBLISH
			if :: (hidD&(1<<i))!=0 -> hid=hid|(1<<i) :: else fi
#endif
			:: true fi :: else fi; i++
		:: else -> break od;
	i=0; do :: i<N -> if :: rNext[i]!=0 && (rD&(1<<i))==0 -> if :: rNext[i]=0; rW[i]=0; rPK[i]=0; rPW[i]=0 :: true fi :: else fi; i++ :: else -> break od;
	/* the truth is what the chain says now */
	gEnd=0; gK=NONE; gW=0; committed=0;
	do :: gEnd<N && rNext[gEnd]!=0 -> x=gEnd; committed=committed|MASK(x,rNext[x]); gK=x; gW=rW[x]; gEnd=rNext[x] :: else -> break od;
	i=0; do :: i<N -> assert(rNext[i]==0 || i<gEnd); i++ :: else -> break od;      /* no record beyond a hole */
	hidD=hidD&(hid|vis); visD=visD&vis; INV; i=0; x=0 }
}
#endif

#ifdef RECREATE
active proctype user() { byte i;
	atomic{ committed!=0; hid=0; vis=0; sealed=0; list=0; for (i : 0 .. N-1) { rNext[i]=0; rW[i]=0; rPK[i]=0; rPW[i]=0 }; i=0;
	gEnd=0; gK=NONE; gW=0; committed=0; inc=1 }
}
#endif
#ifdef LIVE
active proctype calm() { stable=1 }
ltl live { <> (gEnd==N) }
#endif

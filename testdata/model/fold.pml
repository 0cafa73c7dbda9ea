/* fold.pml - folds of the commit protocol, and records that are prepared, one partition, explored by spin.
 *
 * Each commit record stands for one position; a record is who wrote it. A fold is a file with a number of its own (its id; later
 * folds have higher ones), that waits, stands in the chain's folder, or is gone; the record that names it is put if absent under
 * the id of the fold that it follows. Between any two `atomic`, each of which has one operation on the folder, a process may
 * pause, for ever too, which is a kill; one that has slept goes on from what it remembers. The contents of a fold are left out:
 * what it was made of is held against the truth when it is made.
 *
 * Parameters  -DN=2 positions -DW=2 workers -DFOLDERS=1 processes that fold -DK=2 folds at most
 *   -DPREP      workers commit together with an outside (a topic): prepare, commit there, put
 *   -DGC        a collector deletes what was prepared for decided positions
 * Broken variants: -DBUG_x, see folds.txt.
 */
#ifndef N
#define N 2
#endif
#ifndef W
#define W 2
#endif
#ifndef FOLDERS
#define FOLDERS 1
#endif
#ifndef K
#define K 2
#endif
#define UNKNOWN 15
#define WAITS 1
#define STANDS 2
#define GONE 3

/* ---- the folder ---- */
byte rec[N];                   /* commit record of a position: its writer, from 1; 0: the key is free */
byte turn[K+1];                /* what is put behind fold k: the fold that follows it; 0: the key is free */
byte fs[K+1];                  /* fold k: 0, WAITS, STANDS, GONE */
byte fEnd[K+1];                /* it stands for the positions before this one */
byte made;                     /* ids given out */
#ifdef PREP
byte prep[N];                  /* prepared records of a position: a bit for each writer */
byte owner, xNext, xTok;       /* outside: who may commit, the position, and the record it names */
#endif
/* ---- ghosts: the truth ---- */
byte tW[N], gEnd;              /* who has decided a position */
byte force; byte line;         /* the fold in force; bits of those that have been */

#ifdef BUG_NO_STANDS
#define HERE(k_) true
#else
#define HERE(k_) (k_==0 || fs[k_]==STANDS)
#endif

/* the fold in force, from the one that is remembered (k), or from a listing. Two looks for a fold: it may be renamed between
   them, which is a no that costs another try */
inline merges() {
	do
	:: atomic{ k==UNKNOWN -> k=0; j=1; do :: j<=K -> if :: fs[j]==STANDS -> k=j :: else fi; j++ :: else -> break od; j=0 }
	:: atomic{ k!=UNKNOWN -> j=turn[k] };
		if
		:: atomic{ HERE(k) -> if :: j==0 -> break :: else fi }
		:: atomic{ !HERE(k) -> skip };
			if
			:: atomic{ fs[k]==WAITS -> if :: j==0 -> break :: else fi }
			:: atomic{ fs[k]!=WAITS -> k=UNKNOWN; j=0 }
			fi
		fi;
		if
		:: atomic{ j==0 -> skip }
		:: atomic{ j!=0 && fs[j]==STANDS -> k=j; j=0 }
		:: atomic{ j!=0 && fs[j]!=STANDS -> skip };
			if
			:: atomic{ fs[j]==WAITS -> k=j; j=0 }
			:: atomic{ fs[j]!=WAITS -> k=UNKNOWN; j=0 }
			fi
		fi
	od
}
/* walk the chain: e is its end, k the fold it begins with; bad: a record was not the one that decided its position */
inline walk() {
	do
	:: merges();
		atomic{ was=k; e=fEnd[k]; bad=0 }
		do
		:: atomic{ e<N && rec[e]!=0 -> if :: rec[e]!=tW[e] -> bad=1 :: else fi; e++ }
		:: atomic{ e==N || rec[e]==0 -> break }
		od;
#ifdef BUG_WALK_ONCE
		break
#else
		merges();
		if :: atomic{ k==was -> break } :: atomic{ k!=was -> skip } fi
#endif
	od;
	atomic{ assert(!bad && e<=gEnd); was=0 }
}
/* put-if-absent of the record of writer w_ at the end of what was walked; x is who stands there then */
inline putRecord(w_) {
	atomic{ if
	:: rec[e]==0 -> rec[e]=w_; x=w_;
		if :: e==gEnd -> tW[e]=w_; gEnd++ :: else assert(e<gEnd) fi      /* else nobody looks there: a fold stands for it */
	:: else -> x=rec[e]
	fi }
}

active [W] proctype worker() {
	byte k=UNKNOWN, was, e, j, x; bit bad;
start:	atomic{ e=0; x=0;
#ifdef PREP
	owner=_pid+1 }                                 /* whoever was there is refused from here on */
#else
	}
#endif
	walk();
#ifdef PREP
	/* what the outside names is put by whoever comes; the chain is never ahead of it */
	if
	:: atomic{ owner!=_pid+1 -> goto start }
	:: atomic{ owner==_pid+1 && xNext==e -> skip }
	:: atomic{ owner==_pid+1 && xNext==e+1 -> assert(prep[e]&(1<<xTok)); x=xTok };
		putRecord(x); goto start
	:: atomic{ owner==_pid+1 && xNext!=e && xNext!=e+1 -> assert(false) }
	fi;
#endif
	if :: atomic{ e==N -> goto done } :: atomic{ e<N -> skip } fi;
#ifdef PREP
#ifndef BUG_NO_PREPARE
	atomic{ prep[e]=prep[e]|(1<<(_pid+1)) }
#endif
	if
	:: atomic{ owner==_pid+1 -> xNext=e+1; xTok=_pid+1 }   /* this decides */
	:: atomic{ owner!=_pid+1 -> goto start }
	fi;
#endif
	putRecord(_pid+1);
	/* does a fold stand for what was put? Then it counts for nothing. */
#ifndef BUG_FOLDED_COUNTS
	merges();
	if :: atomic{ e<fEnd[k] -> goto start } :: atomic{ e>=fEnd[k] -> skip } fi;
#endif
	atomic{ assert(tW[e]==x);                      /* here: act on it, as winner or as loser */
#ifdef PREP
	assert(x==_pid+1);
#endif
	goto start }
done:	atomic{ e=0; x=0; k=0 }
}

/* Fold: one file in the place of all records; then tidy up, as anybody may who has read it. */
active [FOLDERS] proctype folder() {
	byte k=UNKNOWN, was, e, j, x, new; bit bad; byte names, books, folds;
start:
end:	atomic{ gEnd>0 -> e=0; x=0; new=0; was=0 }
	walk();
	atomic{ was=k }
#ifndef BUG_NO_TIDY
	/* what is in force goes forward first: forgotten, it would come up again when nothing follows it any more */
	merges();
	atomic{ if :: k!=0 && fs[k]==WAITS -> fs[k]=STANDS :: else fi }
#endif
	if
	:: atomic{ e<=fEnd[was] || made==K -> goto tidy }
	:: atomic{ e>fEnd[was] && made<K -> made++; new=made; fs[new]=WAITS; fEnd[new]=e; e=0 }
	fi;
#ifdef BUG_DELETE_FIRST
	atomic{ j=0; do :: j+1<fEnd[new] -> rec[j]=0; j++ :: else -> break od; j=0 }
#endif
	atomic{ if                                     /* put if absent: this decides */
	:: turn[was]==0 -> turn[was]=new; if :: force==was -> force=new; line=line|(1<<new) :: else fi
	:: else
	fi; x=turn[was] }
#ifndef BUG_DEAD_BOOK
	if
	:: atomic{ HERE(was) -> skip }
	:: atomic{ !HERE(was) -> skip }; if :: atomic{ fs[was]==WAITS -> skip } :: atomic{ fs[was]!=WAITS -> goto start } fi   /* in force or not: walkers know */
	fi;
#endif
	if
	:: atomic{ x!=new -> fs[new]=GONE }
	:: atomic{ x==new -> assert(line&(1<<new)) }
	fi;
tidy:	atomic{ e=0; x=0; new=0; was=0 }
	merges();
	if :: atomic{ k==0 -> goto start } :: atomic{ k!=0 -> if :: fs[k]==WAITS -> fs[k]=STANDS :: else fi } fi;
	if :: atomic{ fs[k]!=STANDS -> goto start }
	/* a listing, then what it has is deleted by name */
	:: atomic{ fs[k]==STANDS ->
		j=0; do :: j+1<fEnd[k] -> if :: rec[j]!=0 -> names=names|(1<<j) :: else fi; j++ :: else -> break od;
		j=1; do :: j<k -> if :: fs[j]==STANDS -> folds=folds|(1<<j) :: else fi; if :: turn[j]!=0 -> books=books|(1<<j) :: else fi; j++ :: else -> break od; j=0 }
	fi;
	do :: atomic{ folds!=0 -> j=0; do :: (folds&(1<<j))==0 -> j++ :: else -> break od; fs[j]=GONE; folds=folds&~(1<<j); j=0 } :: atomic{ folds==0 -> break } od;
	do :: atomic{ books!=0 -> j=0; do :: (books&(1<<j))==0 -> j++ :: else -> break od; turn[j]=0; books=books&~(1<<j); j=0 } :: atomic{ books==0 -> break } od;
	do :: atomic{ names!=0 -> j=0; do :: (names&(1<<j))==0 -> j++ :: else -> break od; rec[j]=0; names=names&~(1<<j); j=0 } :: atomic{ names==0 -> goto start } od
}

#ifdef GC
active proctype gc() {
	byte k=UNKNOWN, was, e, j; bit bad;
start:
end:	atomic{ gEnd>0 -> e=0 }
	walk();
#ifdef BUG_GC_OPEN
	atomic{ if :: e<N -> e++ :: else fi }
#endif
	atomic{ j=0; do :: j<e -> prep[j]=0; j++ :: else -> break od; j=0 }
	goto start
}
#endif

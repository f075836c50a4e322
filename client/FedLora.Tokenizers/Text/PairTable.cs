namespace FedLora.Tokenizers.Text;

/// <summary>Two numbers for a pair of numbers, neither of the pair below 0: a flat hash table with open addressing.</summary>
internal sealed class PairTable
{
    private const ulong Empty = ulong.MaxValue;
    private Slot[] _slots;
    private int _shift;

    public PairTable(int capacity = 0)
    {
        var bits = 4;
        while (1L << bits < capacity * 2L)
            bits++;
        _slots = Allocate(bits);
        _shift = 64 - bits;
    }

    public int Count { get; private set; }

    /// <summary>Sets the numbers of a pair.</summary>
    public void Set(int left, int right, int first, int second)
    {
        if (Count * 2 >= _slots.Length)
            Grow();
        var key = Key(left, right);
        ref var slot = ref Find(key);
        if (slot.Key == Empty)
            Count++;
        slot = new Slot(key, first, second);
    }

    public bool TryGet(int left, int right, out int first, out int second)
    {
        var key = Key(left, right);
        ref var slot = ref Find(key);
        (first, second) = (slot.First, slot.Second);
        return slot.Key == key;
    }

    private ref Slot Find(ulong key)
    {
        var slots = _slots;
        // Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4).
        for (var i = (int)(key * 0x9E3779B97F4A7C15 >> _shift); ; i = (i + 1) & (slots.Length - 1))
        {
            ref var slot = ref slots[i];
            if (slot.Key == key || slot.Key == Empty)
                return ref slot;
        }
    }

    private void Grow()
    {
        var old = _slots;
        _slots = Allocate(64 - --_shift);
        foreach (var slot in old)
        {
            if (slot.Key != Empty)
                Find(slot.Key) = slot;
        }
    }

    private static Slot[] Allocate(int bits)
    {
        var slots = new Slot[1 << bits];
        Array.Fill(slots, new Slot(Empty, 0, 0));
        return slots;
    }

    private static ulong Key(int left, int right) => (ulong)(uint)left << 32 | (uint)right;

    private readonly record struct Slot(ulong Key, int First, int Second);
}

using System.Buffers.Binary;
using System.Text;

namespace FedLora.Training.Libtorch;

/// <summary>
/// Edits the version needs (<c>.gnu.version_r</c>) of a 64-bit little-endian ELF library: the System V ABI's <c>Elf64_Verneed</c> (16
/// bytes: version, count, file, offset of the first entry, offset of the next need) and <c>Elf64_Vernaux</c> (16 bytes: hash, flags, index,
/// name, offset of the next entry).
/// </summary>
internal static class ElfVersionNeeds
{
    private const ushort Weak = 2;

    /// <summary>Marks the need of a version weak, so that the loader starts the library without it.</summary>
    /// <param name="elf">The library; changed in place where true is returned.</param>
    /// <param name="file">The needed library's name, e.g. <c>libstdc++.so.6</c>.</param>
    /// <param name="version">The version's name, e.g. <c>GLIBCXX_3.4.32</c>.</param>
    /// <returns>False where the library does not need that version.</returns>
    /// <exception cref="FedLoraException"><c>libstdcxx-too-old</c>: a relocation uses a symbol of that version, or it is no such
    /// library.</exception>
    public static bool TryWeaken(Span<byte> elf, string file, string version)
    {
        try
        {
            var view = new ElfView(elf);
            if (view.FindNeed(file, version) is not { } need)
                return false;
            if (view.RelocatesVersion(need.Index))
                throw Refusal(version, "uses symbols of that version");
            BinaryPrimitives.WriteUInt16LittleEndian(elf[(need.Offset + 4)..], (ushort)(need.Flags | Weak));
            return true;
        }
        catch (Exception error) when (error is ArgumentOutOfRangeException or OverflowException or InvalidOperationException
            or InvalidDataException)
        {
            throw Refusal(version, "is no library that is known here");
        }
    }

    private static FedLoraException Refusal(string version, string why) => new(
        "libstdcxx-too-old",
        $"TorchSharp's native library wants {version} of libstdc++, which this system lacks, and {why}.",
        "Systems with libstdc++ 13 or later serve (Debian 13, Ubuntu 24.04); or set LIBTORCH to a folder with libraries that this system "
            + "can load.");

    private readonly record struct Need(int Offset, ushort Flags, ushort Index);

    private readonly ref struct ElfView
    {
        private readonly ReadOnlySpan<byte> _elf;
        private readonly List<Section> _sections = [];

        private readonly record struct Section(uint Type, int Offset, int Size, int Link);

        public ElfView(ReadOnlySpan<byte> elf)
        {
            _elf = elf;
            // ELF, 64 bits, little-endian.
            if (elf.Length < 64 || !elf[..6].SequenceEqual((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1]))
                throw new InvalidDataException();
            var start = Int(0x28);
            var size = U16(0x3a);
            var count = U16(0x3c);
            for (var i = 0; i < count; i++)
            {
                var at = checked(start + (i * size));
                _sections.Add(new Section(U32(at + 4), Int(at + 24), Int(at + 32), Offset(at + 40)));
            }
        }

        public Need? FindNeed(string file, string version)
        {
            foreach (var section in _sections.Where(section => section.Type == 0x6ffffffe))
            {
                var names = _sections[section.Link];
                // An offset of 0 ends a chain.
                for (var (need, next) = (section.Offset, 1); next != 0; need = checked(need + next))
                {
                    next = Offset(need + 12);
                    if (Text(names, Offset(need + 4)) != file)
                        continue;
                    for (var (entry, further) = (checked(need + Offset(need + 8)), 1); further != 0; entry = checked(entry + further))
                    {
                        further = Offset(entry + 12);
                        if (Text(names, Offset(entry + 8)) == version)
                            return new Need(entry, U16(entry + 4), U16(entry + 6));
                    }
                }
            }
            return null;
        }

        /// <summary>Whether any relocation names a symbol bound to the version of that index.</summary>
        public bool RelocatesVersion(ushort index)
        {
            var versions = _sections.Single(section => section.Type == 0x6fffffff);
            foreach (var section in _sections.Where(section => section.Type == 4))
            {
                for (var at = section.Offset; at < checked(section.Offset + section.Size); at += 24)
                {
                    var symbol = Offset(at + 12);
                    if (symbol != 0 && (U16(checked(versions.Offset + (2 * symbol))) & 0x7fff) == index)
                        return true;
                }
            }
            return false;
        }

        private ushort U16(int at) => BinaryPrimitives.ReadUInt16LittleEndian(_elf[at..]);

        private uint U32(int at) => BinaryPrimitives.ReadUInt32LittleEndian(_elf[at..]);

        private int Offset(int at) => checked((int)U32(at));

        private int Int(int at) => checked((int)BinaryPrimitives.ReadUInt64LittleEndian(_elf[at..]));

        private string Text(Section names, int offset)
        {
            var rest = _elf[checked(names.Offset + offset)..];
            return Encoding.ASCII.GetString(rest[..rest.IndexOf((byte)0)]);
        }
    }
}

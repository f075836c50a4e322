using System.Buffers.Binary;
using System.Text;

namespace FedLora.Training.Tests.Libtorch;

/// <summary>An ELF library of a test's own: version needs, symbols' versions and relocations, and nothing else.</summary>
internal static class ElfFile
{
    /// <summary>Makes one.</summary>
    /// <param name="needs">For each library that it needs the versions of it, with the index that symbols name each by.</param>
    /// <param name="symbols">Each symbol's version; the first symbol is none.</param>
    /// <param name="relocated">The symbols that relocations name.</param>
    public static byte[] Make((string File, (string Version, ushort Index)[] Versions)[] needs, ushort[] symbols, int[] relocated)
    {
        var names = new MemoryStream();
        names.WriteByte(0);
        var table = new MemoryStream();
        foreach (var (file, versions) in needs)
        {
            Write(table, 1, 2);
            Write(table, versions.Length, 2);
            Write(table, Name(file), 4);
            Write(table, 16, 4);
            Write(table, file == needs[^1].File ? 0 : 16 + (16 * versions.Length), 4);
            foreach (var (version, index) in versions)
            {
                Write(table, 0x1234, 4);
                Write(table, 0, 2);
                Write(table, index, 2);
                Write(table, Name(version), 4);
                Write(table, version == versions[^1].Version ? 0 : 16, 4);
            }
        }
        var (versionsOf, relocations) = (new MemoryStream(), new MemoryStream());
        foreach (var version in symbols)
            Write(versionsOf, version, 2);
        foreach (var symbol in relocated)
        {
            Write(relocations, 0, 8);
            Write(relocations, ((long)symbol << 32) | 1, 8);
            Write(relocations, 0, 8);
        }
        return Assemble([(3, names, 0), (0x6ffffffe, table, 1), (0x6fffffff, versionsOf, 0), (4, relocations, 0)]);

        int Name(string text)
        {
            var at = (int)names.Length;
            names.Write(Encoding.ASCII.GetBytes(text + '\0'));
            return at;
        }
    }

    private static byte[] Assemble((uint Type, MemoryStream Content, int Link)[] sections)
    {
        var file = new MemoryStream();
        file.Write([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1]);
        file.SetLength(64);
        file.Position = 64;
        var headers = new MemoryStream();
        headers.SetLength(64);
        headers.Position = 64;
        foreach (var (type, content, link) in sections)
        {
            Write(headers, 0, 4);
            Write(headers, type, 4);
            Write(headers, 0, 16);
            Write(headers, file.Position, 8);
            Write(headers, content.Length, 8);
            Write(headers, link, 4);
            Write(headers, 0, 20);
            content.WriteTo(file);
        }
        var start = file.Position;
        headers.WriteTo(file);
        var bytes = file.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(0x28), start);
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(0x3a), 64);
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(0x3c), (short)(sections.Length + 1));
        return bytes;
    }

    private static void Write(MemoryStream to, long value, int size)
    {
        Span<byte> bytes = stackalloc byte[32];
        bytes.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        to.Write(bytes[..size]);
    }
}

using System.Text;

namespace FedLora.Training.Data.Formats;

/// <summary>Lines of text as <see cref="TextReader.ReadLine"/> parts them, each of bounded length: of a longer one only the beginning is
/// kept.</summary>
internal static class TextLines
{
    public static IEnumerable<DataLine> Read(string path, TextReader reader)
    {
        var (buffer, line, number, length, last) = (new char[1 << 16], new StringBuilder(), 0, 0L, '\0');
        for (int count; (count = reader.Read(buffer)) > 0;)
        {
            for (var start = 0; start < count;)
            {
                // "\r\n" is one end of line, wherever the buffer ends.
                if (buffer[start] == '\n' && last == '\r' && length == 0)
                {
                    (start, last) = (start + 1, '\n');
                    continue;
                }
                var end = buffer.AsSpan(start, count - start).IndexOfAny('\r', '\n');
                var piece = buffer.AsSpan(start, end < 0 ? count - start : end);
                line.Append(piece[..(int)Math.Min(piece.Length, DataLimits.LargestLine - line.Length)]);
                (length, start) = (length + piece.Length, start + piece.Length);
                last = '\0';
                if (end < 0)
                    continue;
                last = buffer[start++];
                yield return Make(path, ++number, line.ToString(), length);
                line.Clear();
                length = 0;
            }
        }
        if (length > 0)
            yield return Make(path, ++number, line.ToString(), length);
    }

    private static DataLine Make(string path, int number, string text, long length) =>
        new($"{path}, line {number}", number, text, length > DataLimits.LargestLine
            ? $"has {length} characters; at most {DataLimits.LargestLine} are read" : null);
}

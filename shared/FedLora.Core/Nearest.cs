namespace FedLora.Core;

/// <summary>What somebody may have meant by a word that is not known.</summary>
public static class Nearest
{
    /// <summary>
    /// The known word that is fewest letters away, if at most a third of them (and at least one) must change; null where none is near.
    /// </summary>
    public static string? To(string word, IEnumerable<string> known) => known
        // What is far longer or shorter is not near: a file's word of a million letters is not compared.
        .Where(candidate => Math.Abs(word.Length - candidate.Length) <= Most(word, candidate))
        .Select(candidate => (candidate, distance: Distance(word, candidate)))
        .Where(near => near.distance <= Most(word, near.candidate))
        .OrderBy(near => near.distance).ThenBy(near => near.candidate, StringComparer.Ordinal)
        .Select(near => near.candidate).FirstOrDefault();

    /// <summary>A question to put after an error: <c>; did you mean 'x'?</c>, or nothing.</summary>
    public static string Question(string word, IEnumerable<string> known) => To(word, known) is { } near ? $"; did you mean '{near}'?" : "";

    private static int Most(string word, string candidate) => Math.Max(1, Math.Max(word.Length, candidate.Length) / 3);

    // Letters put in, left out, changed, or two neighbours swapped.
    private static int Distance(string from, string to)
    {
        var rows = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++)
        {
            for (var j = 0; j <= to.Length; j++)
                rows[i, j] = i == 0 ? j : j == 0 ? i : Step(i, j);
        }
        return rows[from.Length, to.Length];

        int Step(int i, int j)
        {
            var best = Math.Min(Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1, rows[i - 1, j - 1] + (Same(from[i - 1], to[j - 1]) ? 0 : 1));
            return i > 1 && j > 1 && Same(from[i - 1], to[j - 2]) && Same(from[i - 2], to[j - 1]) ? Math.Min(best, rows[i - 2, j - 2] + 1)
                : best;
        }

        static bool Same(char left, char right) => char.ToLowerInvariant(left) == char.ToLowerInvariant(right);
    }
}

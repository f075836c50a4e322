namespace FedLora.Training.Running;

/// <summary>How well one class is told.</summary>
/// <param name="Precision">Share of the guesses of it that were right; 0 where nobody guessed it.</param>
/// <param name="Recall">Share of its examples that were guessed; 0 where there is none.</param>
/// <param name="F1">2 P R / (P + R); 0 where that is not defined.</param>
/// <param name="Support">Its examples.</param>
/// <param name="Guessed">Guesses of it.</param>
public sealed record ClassScore(double Precision, double Recall, double F1, long Support, long Guessed);

/// <summary>What was guessed for what: a row for each class, a column for each guess.</summary>
public sealed class Confusion
{
    private readonly long[,] _counts;

    /// <param name="counts">Square: examples of the row's class that were taken for the column's.</param>
    public Confusion(long[,] counts) => _counts = counts;

    /// <summary>How many classes.</summary>
    public int Classes => _counts.GetLength(0);

    /// <summary>Examples of a class that were taken for another, or for itself.</summary>
    public long this[int right, int guessed] => _counts[right, guessed];

    /// <summary>Precision, recall and F1 of each class, as scikit-learn's <c>precision_recall_fscore_support</c> has them.</summary>
    public IReadOnlyList<ClassScore> Scores
    {
        get
        {
            var scores = new ClassScore[Classes];
            for (var c = 0; c < Classes; c++)
            {
                var (both, support, guessed) = (_counts[c, c], 0L, 0L);
                for (var k = 0; k < Classes; k++)
                    (support, guessed) = (support + _counts[c, k], guessed + _counts[k, c]);
                scores[c] = new ClassScore(Share(both, guessed), Share(both, support), Share(2 * both, support + guessed), support,
                    guessed);
            }
            return scores;
        }
    }

    /// <summary>
    /// Mean F1 over the classes that occur or are guessed, as scikit-learn does it: data of one label may all be guessed right.
    /// </summary>
    public double MacroF1 => Scores.Where(score => score.Support + score.Guessed > 0).Average(score => score.F1);

    private static double Share(long part, long of) => of == 0 ? 0 : (double)part / of;
}

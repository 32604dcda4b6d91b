namespace Secrets.Domain;

/// <summary>A row that has its place in the order of lists: by creation, then by id.</summary>
public interface IListed
{
    /// <summary>Breaks ties between rows of one moment.</summary>
    Guid Id { get; }

    /// <summary>UTC.</summary>
    DateTimeOffset CreatedAt { get; }
}

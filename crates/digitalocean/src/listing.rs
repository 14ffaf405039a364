//! Listings, followed to their end: complete, or an error. A page that fails fails the listing, so that
//! a half-read one cannot be mistaken for the truth.

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    future::IntoFuture,
    ops::Deref,
    pin::Pin,
};

use futures_util::stream::{BoxStream, StreamExt, try_unfold};
use serde::de::DeserializeOwned;

use crate::{Client, Error, ErrorKind, call::Call};

/// The most the API gives on one page.
pub(crate) const PER_PAGE: u64 = 200;

/// By what two entries of a listing are the same object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    Number(u64),
    Text(String),
    /// The object has no identity of its own: none is taken for a duplicate.
    None,
}

/// What can be listed. Pages shift while they are read, so that an object can come twice: it is kept once.
pub trait Keyed {
    fn key(&self) -> Key;
}

/// A listing that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// Each object once, in the order of its first appearance.
    pub items: Vec<T>,
    /// How many the provider said there are, where it said so.
    pub total: Option<u64>,
    /// How many pages were read.
    pub pages: u32,
    /// Whether a page announced fewer objects than the page before it.
    pub shrank: bool,
}

impl<T> Listing<T> {
    /// Fewer objects came than were announced, or fewer were announced as we read: some vanished, and others may have
    /// shifted past us into their places, even if new ones make up the count. What is missing is unknown, not gone.
    /// One that vanished and one that came between the same two pages leave no trace: nothing counts as gone before it
    /// was missed more than once.
    pub fn is_short(&self) -> bool {
        self.shrank || self.total.is_some_and(|total| (self.items.len() as u64) < total)
    }
}

impl<T> Deref for Listing<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> IntoIterator for Listing<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Listing<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

/// A listing to be read: `.await` it for a [`Listing`], or [`List::stream`] it where it is large.
#[must_use = "a listing does nothing until it is awaited or streamed"]
pub struct List<T> {
    client: Client,
    /// Read one after the other and merged.
    calls: VecDeque<Call>,
    envelope_key: &'static str,
    page: Page,
    /// What the first page of each call asks for; a link may name another size for the next.
    first_size: u64,
    seen: HashSet<Key>,
    /// Of the calls begun so far.
    total: Option<u64>,
    received: u64,
    /// What the last page of the present call announced.
    last_total: Option<u64>,
    shrank: bool,
    pages: u32,
    items: std::marker::PhantomData<fn() -> T>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Page {
    number: u64,
    size: u64,
}

const FIRST_PAGE: u64 = 1;

impl<T> List<T>
where
    T: Keyed + DeserializeOwned + Send + 'static,
{
    pub(crate) fn new(client: Client, envelope_key: &'static str, call: Call) -> Self {
        let first_size = client.shared.per_page;
        Self {
            client,
            calls: VecDeque::from([call]),
            envelope_key,
            page: Page { number: FIRST_PAGE, size: first_size },
            first_size,
            seen: HashSet::new(),
            total: Some(0),
            received: 0,
            last_total: None,
            shrank: false,
            pages: 0,
            items: std::marker::PhantomData,
        }
    }

    /// The same listing, followed by that of another call.
    pub(crate) fn and(mut self, call: Call) -> Self {
        self.calls.push_back(call);
        self
    }

    /// Asks for pages of this many objects, 1 to 200; 200 at first. Smaller pages are more requests for the same listing.
    pub fn per_page(mut self, size: u64) -> Self {
        self.first_size = size.clamp(1, PER_PAGE);
        self.page.size = self.first_size;
        self
    }

    /// One object after the other, holding one page at a time. Ends after the first error.
    pub fn stream(self) -> BoxStream<'static, Result<T, Error>> {
        let objects = try_unfold((self, VecDeque::new()), |(mut list, mut page)| async move {
            loop {
                if let Some(object) = page.pop_front() {
                    return Ok(Some((object, (list, page))));
                }
                match list.next_page().await? {
                    Some(objects) => page = objects.into(),
                    None => return Ok(None),
                }
            }
        });
        objects.boxed()
    }

    /// One page after the other; a page may be empty. Ends after the first error.
    pub fn pages(self) -> BoxStream<'static, Result<Vec<T>, Error>> {
        try_unfold(self, |mut list| async move { Ok(list.next_page().await?.map(|page| (page, list))) })
            .boxed()
    }

    /// How many the provider said there are, where it said so; of the pages read so far.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// How many objects came so far, each counted once.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// As [`Listing::is_short`], of the pages read so far: to be asked after the last.
    pub fn is_short(&self) -> bool {
        self.shrank || self.total.is_some_and(|total| self.received < total)
    }

    async fn collect(mut self) -> Result<Listing<T>, Error> {
        let mut items = Vec::new();
        while let Some(page) = self.next_page().await? {
            items.extend(page);
        }
        Ok(Listing { items, total: self.total, pages: self.pages, shrank: self.shrank })
    }

    /// The next page, which may be empty, or nothing after the last one. After an error the same page is asked for again.
    ///
    /// # Errors
    /// A page that fails; the listing is not complete then.
    pub async fn next_page(&mut self) -> Result<Option<Vec<T>>, Error> {
        let Some(call) = self.calls.front() else { return Ok(None) };
        if self.pages >= self.client.shared.most_pages {
            return Err(call.error(ErrorKind::EndlessListing, format!("after {} pages", self.pages)));
        }
        let page_call = call.clone().query("page", self.page.number).query("per_page", self.page.size);
        let envelope = self.client.fetch_envelope::<Option<Vec<T>>>(&page_call, self.envelope_key).await?;
        self.pages += 1;
        if self.page.number == FIRST_PAGE {
            self.total = self.total.zip(envelope.total).map(|(sum, total)| sum.saturating_add(total));
            self.last_total = None;
        }
        self.shrank |= self.last_total.zip(envelope.total).is_some_and(|(before, now)| now < before);
        self.last_total = envelope.total;
        match envelope.links.pages.next {
            None => {
                self.calls.pop_front();
                self.page = Page { number: FIRST_PAGE, size: self.first_size };
            }
            Some(next) => {
                let next = page_of(&next, self.page.size);
                // Both ways forward are lost: to stop would be an incomplete list, to go on a loop.
                let Some(next) = next.filter(|next| next.number > self.page.number) else {
                    return Err(call.error(ErrorKind::EndlessListing, "the next page does not lie ahead"));
                };
                self.page = next;
            }
        }
        let mut objects = envelope.value.unwrap_or_default();
        objects.retain(|object| match object.key() {
            Key::None => true,
            key => self.seen.insert(key),
        });
        self.received += objects.len() as u64;
        Ok(Some(objects))
    }
}

/// Only the page is taken from the link: its host may be anyone's, and its other parameters are ours to keep.
fn page_of(link: &str, size: u64) -> Option<Page> {
    let (_, query) = link.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    let number_of = |wanted: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == wanted).and_then(|(_, value)| value.parse::<u64>().ok())
    };
    let size = number_of("per_page").filter(|size| (1..=PER_PAGE).contains(size)).unwrap_or(size);
    Some(Page { number: number_of("page")?, size })
}

impl<T> IntoFuture for List<T>
where
    T: Keyed + DeserializeOwned + Send + 'static,
{
    type Output = Result<Listing<T>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.collect())
    }
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("calls", &self.calls).field("page", &self.page).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_page_and_its_size_are_taken_from_a_link() {
        let next = page_of("https://elsewhere.example/v2/x?tag_name=b&page=3&per_page=50#f", 200);
        assert_eq!(next, Some(Page { number: 3, size: 50 }));
        assert_eq!(page_of("/v2/x?page=2", 200), Some(Page { number: 2, size: 200 }));
        assert_eq!(page_of("/v2/x?page=2&per_page=100000", 200), Some(Page { number: 2, size: 200 }));
        for link in ["", "/v2/x", "/v2/x?per_page=3", "/v2/x?page=last", "/v2/x?mypage=2"] {
            assert_eq!(page_of(link, 200), None, "{link:?}");
        }
    }
}

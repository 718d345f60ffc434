from django.urls import path

from conversations.views import clips, history, talk

urlpatterns = [
    path("", talk.home, name="home"),
    path("talk/", talk.talk, name="talk"),
    path("conversations/", history.history, name="history"),
    path("conversations/<slug:public_id>/", history.conversation, name="conversation"),
    path("conversations/<slug:public_id>/rename/", history.rename, name="conversation_rename"),
    path("conversations/<slug:public_id>/delete/", history.delete, name="conversation_delete"),
    path("clips/<int:item_id>.ogg", clips.clip, name="clip"),
]
